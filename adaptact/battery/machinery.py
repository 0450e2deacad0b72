"""Checks with torch's machinery: compilation, export, function transforms, autocast, and copies."""

import copy
import pickle

import torch
from torch import nn

from ..activations import make
from .base import close, require
from .samples import SHAPE, inputs, modules


def torch_compile(name):
    """torch.compile without graph breaks: the same values and gradients (traced and differentiated; no C++ compiler)."""
    for granularity, module in modules(name):
        x = inputs(name).requires_grad_()
        torch.compiler.reset()  # torch gives up after eight modules otherwise
        traced = torch.compile(copy.deepcopy(module), backend="aot_eager", fullgraph=True)
        for got, wanted in zip(_values_and_gradients(traced, x), _values_and_gradients(module, x), strict=True):
            close(got, wanted, granularity, 1e-9)


def torch_export(name):
    """torch.export of a network that holds it."""
    network = nn.Sequential(nn.Conv2d(3, SHAPE[0], 1), make(name, SHAPE)).eval()
    x = torch.randn(2, 3, *SHAPE[1:])
    with torch.no_grad():
        close(torch.export.export(network, (x,)).module()(x), network(x), "exported", 1e-6)


def torch_func(name):
    """torch.func: vjp and hessian equal autograd's; vmap over three sets of parameters, and over samples, equals a loop."""
    for granularity, _ in modules(name):
        alike = [next(m for g, m in modules(name) if g == granularity) for _ in range(3)]
        state = torch.func.stack_module_state(alike)
        x = torch.randn(2, *SHAPE, dtype=torch.float64)

        def call(parameters, buffers, x, module=alike[0]):
            return torch.func.functional_call(module, (parameters, buffers), (x,))

        got = torch.vmap(call, in_dims=(0, 0, None))(*state, x) if list(alike[0].parameters()) else alike[0](x)[None]
        close(got.expand(3, *x.shape), torch.stack([module(x) for module in alike]), granularity)
        x = inputs(name).requires_grad_()
        y, module = alike[0](x), alike[0]
        (first,) = torch.autograd.grad((y * y.detach()).sum(), x, create_graph=True)
        close(torch.func.vjp(module, x.detach())[1](y.detach())[0], first.detach(), f"{granularity}, vjp")
        v = x.detach()[:1, :, :1, :1].expand(1, *SHAPE).contiguous()
        close(
            torch.func.hessian(lambda v, m=module: m(v).square().sum())(v),
            torch.autograd.functional.hessian(lambda v, m=module: m(v).square().sum(), v),
            f"{granularity}, hessian",
            1e-9,
        )
        x = x.detach()
        jacobian = torch.vmap(torch.func.grad(lambda v, m=module: m(v[None]).sum()))(x)
        close(jacobian, torch.func.grad(lambda v, m=module: m(v).sum())(x), f"{granularity}, gradient a sample")


def autocast(name):
    """Under bfloat16 autocast: finite, and parameters in float32 get float32 gradients close to those without."""
    for granularity, module in modules(name, torch.float32):
        network = nn.Sequential(nn.Conv2d(3, SHAPE[0], 1), module)
        x = torch.randn(8, 3, *SHAPE[1:])
        plain = torch.autograd.grad(network(x).square().sum(), list(network.parameters()))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = network(x).square().sum()
        cast = torch.autograd.grad(loss, list(network.parameters()))
        for got, wanted in zip(cast, plain, strict=True):
            require(got.dtype == torch.float32, f"{granularity}: a gradient is {got.dtype}")
            require(((got - wanted).norm() <= 0.05 * wanted.norm() + 1e-3).item(), f"{granularity}: far off under autocast")


def copies(name):
    """State dict, deep copy and pickle give the same numbers; no two modules share a parameter."""
    for granularity, module in modules(name):
        other = make(name, SHAPE, granularity=None if granularity == "fixed" else granularity).double()
        other.load_state_dict(module.state_dict())
        x = torch.randn(2, *SHAPE, dtype=torch.float64)
        twins = (other, copy.deepcopy(module), pickle.loads(pickle.dumps(module)))
        addresses = {p.data_ptr() for p in module.parameters()}
        for twin in twins:
            require(torch.equal(module(x), twin(x)), f"{granularity}: a copy gives other numbers")
            require(not addresses & {p.data_ptr() for p in twin.parameters()}, f"{granularity}: parameters are shared")


def _values_and_gradients(module, x):
    y = module(x)
    parameters = list(module.parameters())
    return y.detach(), *torch.autograd.grad((y * torch.cos(x.detach())).sum(), (x, *parameters))
