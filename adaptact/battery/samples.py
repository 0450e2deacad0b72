"""What the checks look at: modules and inputs, and the properties that an activation is measured to have."""

import itertools
import math

import torch

from ..activations import Adaptive, compiled, facts, granularities, make

SHAPE = (3, 4, 5)  # one sample


@compiled("never")
def measured(name):
    """An activation's properties as it starts, measured on a grid of 600,001 points from -150 to 150.

    Parameters
    ----------
    name : str

    Returns
    -------
    dict
        ``range`` (infinite where values at 1e4 exceed 50), ``monotone``, ``at_zero``, ``kinks`` (where the slope jumps by
        more than 0.003 between neighbours 0.0005 apart).
    """
    module = make(name, (1,)).double()
    x = torch.linspace(-150, 150, 600_001, dtype=torch.float64).view(-1, 1).requires_grad_()
    y = module(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    far = module(torch.tensor([[-1e4], [1e4]], dtype=torch.float64)).detach()
    y, slope = y.detach().flatten(), slope.flatten()
    low = -math.inf if far.min() < -50 else y.min().item()
    high = math.inf if far.max() > 50 else y.max().item()
    jumps = (slope.diff().abs() > 0.003).nonzero().flatten().tolist()
    kinks = []
    for _, group in itertools.groupby(enumerate(jumps), lambda pair: pair[1] - pair[0]):  # neighbouring jumps are one kink
        places = [index for _, index in group]
        kinks.append(round((x[places[0]].item() + x[places[-1] + 1].item()) / 2, 3) + 0.0)
    return {
        "range": (low, high),
        "monotone": bool((y.diff() >= -1e-12).all()),
        "at_zero": module(torch.zeros(1, 1, dtype=torch.float64)).item(),
        "kinks": tuple(kinks),
    }


def modules(name, dtype=torch.float64, moved=True):
    """One module a granularity, its parameters moved a little from where they start, where special values hide errors."""
    for granularity in granularities(name) or (None,):
        module = make(name, SHAPE, granularity=granularity).to(dtype)
        with torch.no_grad():
            for parameter in module.parameters():
                if moved:
                    parameter.mul_(1 + 0.1 * torch.rand_like(parameter)).add_(0.05 * torch.rand_like(parameter))
        yield granularity or "fixed", module


def inputs(name, dtype=torch.float64, count=2):
    """Points in [-3, 3] away from kinks, where a difference quotient is no derivative."""
    x = 6 * torch.rand(count, *SHAPE, dtype=dtype) - 3
    kinks = facts(name).kinks
    for kink in measured(name)["kinks"] if kinks is None else kinks:
        x = torch.where((x - kink).abs() < 0.1, x + 0.2, x)
    return x


def functional(module, x):
    """The module as a function of its input and its parameters, and these as fresh leaves."""
    names = [name for name, _ in module.named_parameters()]

    def function(x, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x,))

    return function, (x.requires_grad_(), *(p.detach().clone().requires_grad_() for p in module.parameters()))


def starts(name):
    """The options under which an activation starts as known functions, by their names; ``{"itself": {}}`` if as none.

    Parameters
    ----------
    name : str
        A registered activation.

    Returns
    -------
    dict of str to dict
        By the name of the function, options for `adaptact.make`.

    Examples
    --------
    >>> starts("leaf")["tanh"]
    {'init': 'tanh'}
    """
    module = make(name, SHAPE)
    table = type(module).starts if isinstance(module, Adaptive) else {}
    return {start: {"init": start} for start in table} or {"itself": {}}
