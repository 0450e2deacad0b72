"""One battery of checks for every activation, of this package or of one's own: ``python -m adaptact check [NAME ...]``."""

import copy
import itertools
import math
import pickle
import warnings
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from .activations import Adaptive, compiled, facts, granularities, make

SHAPE = (3, 4, 5)  # one sample
KNOWN = {"relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
# The gate 2**16 is steep, not a step: LEAF as ReLU is off by up to 0.28 / 2**16.
DISTANCE = {"relu": 5e-6}
EXTREMES = (-1e30, -1e4, -1.0, -1e-30, 0.0, 1e-30, 1.0, 1e4, 1e30)


@dataclass(frozen=True)
class Result:
    """What one check found.

    Parameters
    ----------
    check : str
        The check's title.
    status : {"ok", "failed", "n/a"}
    detail : str
        What was seen, in a few words.
    """

    check: str
    status: str
    detail: str


class _Failed(Exception):
    pass


class _NotApplicable(Exception):
    pass


CHECKS = {}


def _check(function):
    CHECKS[function.__name__.replace("_", " ")] = function
    return function


def check(name):
    """Run the whole battery over one registered activation, as it starts with its default options.

    Parameters
    ----------
    name : str

    Returns
    -------
    list of Result
        One a check, in the order of `CHECKS`.

    Raises
    ------
    UserError
        If the name is unknown.
    """
    facts(name)
    return [run_check(name, title) for title in CHECKS]


def run_check(name, title):
    """One check of the battery, by its title.

    Parameters
    ----------
    name : str
        A registered activation.
    title : str
        A key of `CHECKS`.

    Returns
    -------
    Result
    """
    try:
        with torch.random.fork_rng(devices=[]), compiled("never"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, on its way through vmap and export
            torch.manual_seed(0)
            return Result(title, "ok", CHECKS[title](name) or "")
    except _NotApplicable as reason:
        return Result(title, "n/a", str(reason))
    except Exception as error:  # whatever a user's function raises is that check's finding
        words = str(error) if isinstance(error, _Failed) else f"{type(error).__name__}: {error}"
        return Result(title, "failed", " ".join(words.split())[:200])


def summary(name, results, details=False):
    """Text on one activation's results: a line of counts, and a line for each check that failed, or for every check.

    Parameters
    ----------
    name : str
    results : list of Result
        From `check`.
    details : bool, default False
        Whether every check has a line.

    Returns
    -------
    str
    """
    counts = {status: sum(result.status == status for result in results) for status in ("ok", "failed", "n/a")}
    lines = [f"{name:18} {counts['ok']:2} ok, {counts['failed']} failed, {counts['n/a']} not applicable"]
    shown = [result for result in results if details or result.status == "failed"]
    return "\n".join(lines + [f"  {result.status:6}  {result.check:24} {result.detail}".rstrip() for result in shown])


# --- what the checks look at -------------------------------------------------------------------------------------------


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


def _modules(name, dtype=torch.float64, moved=True):
    """One module a granularity, its parameters moved a little from where they start, where special values hide errors."""
    for granularity in granularities(name) or (None,):
        module = make(name, SHAPE, granularity=granularity).to(dtype)
        with torch.no_grad():
            for parameter in module.parameters():
                if moved:
                    parameter.mul_(1 + 0.1 * torch.rand_like(parameter)).add_(0.05 * torch.rand_like(parameter))
        yield granularity or "fixed", module


def _inputs(name, dtype=torch.float64, count=2):
    """Points in [-3, 3] away from kinks, where a difference quotient is no derivative."""
    x = 6 * torch.rand(count, *SHAPE, dtype=dtype) - 3
    kinks = facts(name).kinks
    for kink in measured(name)["kinks"] if kinks is None else kinks:
        x = torch.where((x - kink).abs() < 0.1, x + 0.2, x)
    return x


def _functional(module, x):
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


def _close(got, wanted, what, tolerance=1e-12):
    torch.testing.assert_close(
        got, wanted, rtol=tolerance, atol=tolerance, equal_nan=True, msg=lambda text: f"{what}: {text.splitlines()[-1] or text}"
    )


def _require(condition, words):
    if not condition:
        raise _Failed(words)


# --- derivatives -------------------------------------------------------------------------------------------------------


@_check
def first_derivative(name):
    """gradcheck in float64 for x and every parameter, for every granularity."""
    for granularity, module in _modules(name):
        function, inputs = _functional(module, _inputs(name))
        _require(torch.autograd.gradcheck(function, inputs, fast_mode=True), granularity)
    return f"reverse mode, {', '.join(granularities(name)) or 'fixed'}"


@_check
def second_derivative(name):
    """gradgradcheck: a backward pass through the backward pass."""
    for granularity, module in _modules(name):
        function, inputs = _functional(module, _inputs(name))
        _require(torch.autograd.gradgradcheck(function, inputs, fast_mode=True), granularity)


@_check
def forward_mode_derivative(name):
    """gradcheck of Jacobian-vector products."""
    for granularity, module in _modules(name):
        function, inputs = _functional(module, _inputs(name))
        ok = torch.autograd.gradcheck(function, inputs, fast_mode=True, check_forward_ad=True, check_backward_ad=False)
        _require(ok, granularity)


@_check
def closed_form(name):
    """The declared derivatives against autograd, for x and for every value of the formula."""
    known = facts(name)
    if known.derivatives is None:
        raise _NotApplicable("no closed form declared")
    module = next(iter(_modules(name)))[1]
    values = list(module.values().values()) if isinstance(module, Adaptive) else []
    x = _inputs(name)
    leaves = [x.requires_grad_(), *(v.detach().expand(x.shape).clone().requires_grad_() for v in values)]
    got = torch.autograd.grad(known.function(*leaves).sum(), leaves)
    with torch.no_grad():
        for label, ours, closed in zip(("x", *_labels(module)), got, known.derivatives(*leaves), strict=True):
            _close(ours, closed.expand(x.shape), f"d/d{label}", 1e-10)
    return ", ".join(f"d/d{label}" for label in ("x", *_labels(module)))


def _labels(module):
    return list(module.values()) if isinstance(module, Adaptive) else []


# --- numbers -----------------------------------------------------------------------------------------------------------


@_check
def extreme_inputs(name):
    """Finite values and gradients from -1e4 to 1e4 in float32 and bfloat16, for every start."""
    for start, options in starts(name).items():
        for dtype in (torch.float32, torch.bfloat16):
            _require(_finite(name, options, dtype), f"{start}, {dtype}: a value or a gradient is not finite")
    return f"starts: {', '.join(starts(name))}"


@_check
def half_precision(name):
    """float16: finite from -1e4 to 1e4, but for a start that float16 cannot hold."""
    said = []
    for start, options in starts(name).items():
        module = make(name, (1,), **options)
        largest = max((v.abs().max().item() for v in module.parameters()), default=0.0)
        fits = largest <= torch.finfo(torch.float16).max
        _require(_finite(name, options, torch.float16) == fits, f"{start}: {'not ' * fits}finite")
        said += [] if fits else [f"the start {start} holds {largest:g}, which overflows float16"]
    return "; ".join(said) or "finite in float16"


def _finite(name, options, dtype):
    module = make(name, (1,), **options).to(dtype)
    x = torch.tensor([[-1e4], [-1.0], [0.0], [1.0], [1e4]], dtype=dtype, requires_grad=True)
    y = module(x)
    _require(y.dtype == dtype, f"the output is {y.dtype} for {dtype}")
    gradients = torch.autograd.grad(y.sum(), (x, *module.parameters()), allow_unused=True)
    return all(bool(tensor.isfinite().all()) for tensor in (y, *gradients) if tensor is not None)


@_check
def starts_as(name):
    """Distance, in float64, to the function that a start is named after, from -1e30 to 1e30."""
    known = {start: options for start, options in starts(name).items() if start in KNOWN}
    if not known:
        raise _NotApplicable("starts as itself")
    x = torch.cat([torch.linspace(-6, 6, 2401), torch.linspace(-1e-4, 1e-4, 401), torch.tensor(EXTREMES)]).double().view(-1, 1)
    seen = []
    for start, options in known.items():
        y, wanted = make(name, (1,), **options).double()(x).detach(), KNOWN[start](x)
        distance = ((y - wanted).abs() / wanted.abs().clamp(min=1)).max().item()
        _require(distance <= DISTANCE.get(start, 1e-12), f"{start}: off by {distance:.1e}")
        seen.append(f"{start} {distance:.0e}")
    nan = make(name, (1,))(torch.full((1, 1), math.nan))
    _require(bool(nan.isnan().all()), "NaN does not stay NaN")
    return ", ".join(seen)


@_check
def declared_properties(name):
    """Range, monotone or not, value at zero, and kinks as declared."""
    known, seen = facts(name), measured(name)
    if known.range is None and known.monotone is None and known.at_zero is None and known.kinks is None:
        raise _NotApplicable(f"none declared; measured: {seen}")
    for side, declared, found in zip(("lower", "upper"), known.range or (), seen["range"], strict=False):
        _require(declared == found or abs(declared - found) < 1e-2 * max(1, abs(found)), f"{side} bound {declared}, found {found}")
        _require(declared <= found + 1e-7 if side == "lower" else declared >= found - 1e-7, f"{side} bound is exceeded: {found}")
    _require(known.monotone in (None, seen["monotone"]), f"monotone: {seen['monotone']}")
    _require(known.at_zero is None or abs(known.at_zero - seen["at_zero"]) < 1e-6, f"at zero: {seen['at_zero']}")
    if known.kinks is not None:
        same = len(known.kinks) == len(seen["kinks"]) and all(
            abs(a - b) < 2e-3 for a, b in zip(known.kinks, seen["kinks"], strict=True)
        )
        _require(same, f"kinks at {seen['kinks']}")
    return f"range {known.range}, monotone {known.monotone}, kinks {known.kinks}"


# --- memory and forms of input -----------------------------------------------------------------------------------------


@compiled("never")
def saved_bytes(name, granularity=None, **options):
    """Bytes kept for the backward pass, parameters apart, for each float32 element of the input."""
    module = make(name, SHAPE, granularity=granularity, **options)
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    x = torch.randn(512, *SHAPE).requires_grad_()
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = module(x)  # alive until the storages are counted, so that no address is used twice
    total = sum(kept.values())
    del y
    return total / x.numel()


@_check
def saved_for_backward(name):
    """What is kept for the backward pass is the declared count of bytes."""
    declared = facts(name).saved
    seen = {granularity or "fixed": saved_bytes(name, granularity) for granularity in granularities(name) or (None,)}
    words = ", ".join(f"{granularity} {found:.2f}" for granularity, found in seen.items())
    if declared is None:
        raise _NotApplicable(f"none declared; bytes a float32 element: {words}")
    # A value made from parameters, such as a softmax of them, is kept too: one set for 512 samples here.
    for found in seen.values():
        _require(declared <= found <= declared + 0.1, f"declared {declared} bytes a float32 element, found {words}")
    return f"bytes a float32 element: {words}"


@_check
def memory_formats(name):
    """channels_last, strided and empty inputs give the same numbers; the input is left as it was."""
    for granularity, module in _modules(name):
        x = torch.randn(2, *SHAPE, dtype=torch.float64)
        before, wanted = x.clone(), module(x)
        _require(torch.equal(x, before), f"{granularity}: the input is changed")
        _close(module(x.to(memory_format=torch.channels_last)), wanted, f"{granularity}, channels_last")
        strided = torch.randn(*SHAPE, 2, dtype=torch.float64).movedim(-1, 0)
        _close(module(strided), module(strided.contiguous()), f"{granularity}, strided")
        _require(module(x[:0]).shape == x[:0].shape, f"{granularity}: empty input")
        _require(wanted.shape == x.shape, f"{granularity}: the shape changes")


# --- torch's machinery -------------------------------------------------------------------------------------------------


@_check
def torch_compile(name):
    """torch.compile without graph breaks: the same values and gradients (traced and differentiated; no C++ compiler)."""
    for granularity, module in _modules(name):
        x = _inputs(name).requires_grad_()
        torch.compiler.reset()  # torch gives up after eight modules otherwise
        traced = torch.compile(copy.deepcopy(module), backend="aot_eager", fullgraph=True)
        for got, wanted in zip(_values_and_gradients(traced, x), _values_and_gradients(module, x), strict=True):
            _close(got, wanted, granularity, 1e-9)


@_check
def torch_export(name):
    """torch.export of a network that holds it."""
    network = nn.Sequential(nn.Conv2d(3, SHAPE[0], 1), make(name, SHAPE)).eval()
    x = torch.randn(2, 3, *SHAPE[1:])
    with torch.no_grad():
        _close(torch.export.export(network, (x,)).module()(x), network(x), "exported", 1e-6)


@_check
def torch_func(name):
    """torch.func: vjp and hessian equal autograd's; vmap over three sets of parameters, and over samples, equals a loop."""
    for granularity, _ in _modules(name):
        modules = [next(m for g, m in _modules(name) if g == granularity) for _ in range(3)]
        state = torch.func.stack_module_state(modules)
        x = torch.randn(2, *SHAPE, dtype=torch.float64)

        def call(parameters, buffers, x, module=modules[0]):
            return torch.func.functional_call(module, (parameters, buffers), (x,))

        got = torch.vmap(call, in_dims=(0, 0, None))(*state, x) if list(modules[0].parameters()) else modules[0](x)[None]
        _close(got.expand(3, *x.shape), torch.stack([module(x) for module in modules]), granularity)
        x = _inputs(name).requires_grad_()
        y, module = modules[0](x), modules[0]
        (first,) = torch.autograd.grad((y * y.detach()).sum(), x, create_graph=True)
        _close(torch.func.vjp(module, x.detach())[1](y.detach())[0], first.detach(), f"{granularity}, vjp")
        v = x.detach()[:1, :, :1, :1].expand(1, *SHAPE).contiguous()
        _close(
            torch.func.hessian(lambda v, m=module: m(v).square().sum())(v),
            torch.autograd.functional.hessian(lambda v, m=module: m(v).square().sum(), v),
            f"{granularity}, hessian",
            1e-9,
        )
        x = x.detach()
        jacobian = torch.vmap(torch.func.grad(lambda v, m=module: m(v[None]).sum()))(x)
        _close(jacobian, torch.func.grad(lambda v, m=module: m(v).sum())(x), f"{granularity}, gradient a sample")


@_check
def autocast(name):
    """Under bfloat16 autocast: finite, and parameters in float32 get float32 gradients close to those without."""
    for granularity, module in _modules(name, torch.float32):
        network = nn.Sequential(nn.Conv2d(3, SHAPE[0], 1), module)
        x = torch.randn(8, 3, *SHAPE[1:])
        plain = torch.autograd.grad(network(x).square().sum(), list(network.parameters()))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = network(x).square().sum()
        cast = torch.autograd.grad(loss, list(network.parameters()))
        for got, wanted in zip(cast, plain, strict=True):
            _require(got.dtype == torch.float32, f"{granularity}: a gradient is {got.dtype}")
            _require(((got - wanted).norm() <= 0.05 * wanted.norm() + 1e-3).item(), f"{granularity}: far off under autocast")


@_check
def copies(name):
    """State dict, deep copy and pickle give the same numbers; no two modules share a parameter."""
    for granularity, module in _modules(name):
        other = make(name, SHAPE, granularity=None if granularity == "fixed" else granularity).double()
        other.load_state_dict(module.state_dict())
        x = torch.randn(2, *SHAPE, dtype=torch.float64)
        twins = (other, copy.deepcopy(module), pickle.loads(pickle.dumps(module)))
        addresses = {p.data_ptr() for p in module.parameters()}
        for twin in twins:
            _require(torch.equal(module(x), twin(x)), f"{granularity}: a copy gives other numbers")
            _require(not addresses & {p.data_ptr() for p in twin.parameters()}, f"{granularity}: parameters are shared")


def _values_and_gradients(module, x):
    y = module(x)
    parameters = list(module.parameters())
    return y.detach(), *torch.autograd.grad((y * torch.cos(x.detach())).sum(), (x, *parameters))


__all__ = ["CHECKS", "Result", "check", "measured", "run_check", "starts", "summary"]
