"""Checks of numbers: extreme and half-precise ones, known starts, and declared properties."""

import math

import torch
import torch.nn.functional as F

from ..activations import facts, make
from .base import NotApplicable, require
from .samples import measured, starts

KNOWN = {"relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
# The gate 2**16 is steep, not a step: LEAF as ReLU is off by up to 0.28 / 2**16.
DISTANCE = {"relu": 5e-6}
EXTREMES = (-1e30, -1e4, -1.0, -1e-30, 0.0, 1e-30, 1.0, 1e4, 1e30)


def extreme_inputs(name):
    """Finite values and gradients from -1e4 to 1e4 in float32 and bfloat16, for every start."""
    for start, options in starts(name).items():
        for dtype in (torch.float32, torch.bfloat16):
            require(_finite(name, options, dtype), f"{start}, {dtype}: a value or a gradient is not finite")
    return f"starts: {', '.join(starts(name))}"


def half_precision(name):
    """float16: finite from -1e4 to 1e4, but for a start that float16 cannot hold."""
    said = []
    for start, options in starts(name).items():
        module = make(name, (1,), **options)
        largest = max((v.abs().max().item() for v in module.parameters()), default=0.0)
        fits = largest <= torch.finfo(torch.float16).max
        require(_finite(name, options, torch.float16) == fits, f"{start}: {'not ' * fits}finite")
        said += [] if fits else [f"the start {start} holds {largest:g}, which overflows float16"]
    return "; ".join(said) or "finite in float16"


def _finite(name, options, dtype):
    module = make(name, (1,), **options).to(dtype)
    x = torch.tensor([[-1e4], [-1.0], [0.0], [1.0], [1e4]], dtype=dtype, requires_grad=True)
    y = module(x)
    require(y.dtype == dtype, f"the output is {y.dtype} for {dtype}")
    gradients = torch.autograd.grad(y.sum(), (x, *module.parameters()), allow_unused=True)
    return all(bool(tensor.isfinite().all()) for tensor in (y, *gradients) if tensor is not None)


def starts_as(name):
    """Distance, in float64, to the function that a start is named after, from -1e30 to 1e30."""
    known = {start: options for start, options in starts(name).items() if start in KNOWN}
    if not known:
        raise NotApplicable("starts as itself")
    x = torch.cat([torch.linspace(-6, 6, 2401), torch.linspace(-1e-4, 1e-4, 401), torch.tensor(EXTREMES)]).double().view(-1, 1)
    seen = []
    for start, options in known.items():
        y, wanted = make(name, (1,), **options).double()(x).detach(), KNOWN[start](x)
        distance = ((y - wanted).abs() / wanted.abs().clamp(min=1)).max().item()
        require(distance <= DISTANCE.get(start, 1e-12), f"{start}: off by {distance:.1e}")
        seen.append(f"{start} {distance:.0e}")
    nan = make(name, (1,))(torch.full((1, 1), math.nan))
    require(bool(nan.isnan().all()), "NaN does not stay NaN")
    return ", ".join(seen)


def declared_properties(name):
    """Range, monotone or not, value at zero, and kinks as declared."""
    known, seen = facts(name), measured(name)
    if known.range is None and known.monotone is None and known.at_zero is None and known.kinks is None:
        raise NotApplicable(f"none declared; measured: {seen}")
    for side, declared, found in zip(("lower", "upper"), known.range or (), seen["range"], strict=False):
        require(declared == found or abs(declared - found) < 1e-2 * max(1, abs(found)), f"{side} bound {declared}, found {found}")
        require(declared <= found + 1e-7 if side == "lower" else declared >= found - 1e-7, f"{side} bound is exceeded: {found}")
    require(known.monotone in (None, seen["monotone"]), f"monotone: {seen['monotone']}")
    require(known.at_zero is None or abs(known.at_zero - seen["at_zero"]) < 1e-6, f"at zero: {seen['at_zero']}")
    if known.kinks is not None:
        same = len(known.kinks) == len(seen["kinks"]) and all(
            abs(a - b) < 2e-3 for a, b in zip(known.kinks, seen["kinks"], strict=True)
        )
        require(same, f"kinks at {seen['kinks']}")
    return f"range {known.range}, monotone {known.monotone}, kinks {known.kinks}"
