"""Checks of derivatives: against difference quotients, and against closed forms."""

import torch

from ..activations import Adaptive, facts, granularities
from .base import NotApplicable, close, require
from .samples import functional, inputs, modules


def first_derivative(name):
    """gradcheck in float64 for x and every parameter, for every granularity."""
    for granularity, module in modules(name):
        function, given = functional(module, inputs(name))
        require(torch.autograd.gradcheck(function, given, fast_mode=True), granularity)
    return f"reverse mode, {', '.join(granularities(name)) or 'fixed'}"


def second_derivative(name):
    """gradgradcheck: a backward pass through the backward pass."""
    for granularity, module in modules(name):
        function, given = functional(module, inputs(name))
        require(torch.autograd.gradgradcheck(function, given, fast_mode=True), granularity)


def forward_mode_derivative(name):
    """gradcheck of Jacobian-vector products."""
    for granularity, module in modules(name):
        function, given = functional(module, inputs(name))
        ok = torch.autograd.gradcheck(function, given, fast_mode=True, check_forward_ad=True, check_backward_ad=False)
        require(ok, granularity)


def closed_form(name):
    """The declared derivatives against autograd, for x and for every value of the formula."""
    known = facts(name)
    if known.derivatives is None:
        raise NotApplicable("no closed form declared")
    module = next(iter(modules(name)))[1]
    values = list(module.values().values()) if isinstance(module, Adaptive) else []
    x = inputs(name)
    leaves = [x.requires_grad_(), *(v.detach().expand(x.shape).clone().requires_grad_() for v in values)]
    got = torch.autograd.grad(known.function(*leaves).sum(), leaves)
    with torch.no_grad():
        for label, ours, closed in zip(("x", *_labels(module)), got, known.derivatives(*leaves), strict=True):
            close(ours, closed.expand(x.shape), f"d/d{label}", 1e-10)
    return ", ".join(f"d/d{label}" for label in ("x", *_labels(module)))


def _labels(module):
    return list(module.values()) if isinstance(module, Adaptive) else []
