"""What each activation costs, as ratios measured in one run: ``python -m adaptact bench``.

Every round times all candidates once, one after the other, and a ratio is taken within a round: what slows the machine for
a while slows numerator and denominator alike. The median over the rounds is reported.
"""

import json
import logging
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ._version import __version__
from .activations import compiled, granularities, is_trainable, make, was_compiled
from .activations.fused import kernel
from .battery.memory import saved_bytes
from .models import build
from .records import project_folder, write_atomically

BATCH = 128
# Activation sites of the two networks: LeNet-5 on 28 x 28 images, KerasNet on 32 x 32 x 3.
SITES = {
    "lenet5.act1": (20, 24, 24),
    "lenet5.act2": (50, 8, 8),
    "lenet5.act3": (500,),
    "kerasnet.act1": (32, 32, 32),
    "kerasnet.act2": (32, 30, 30),
    "kerasnet.act3": (64, 15, 15),
    "kerasnet.act4": (64, 13, 13),
    "kerasnet.act5": (512,),
}
NETWORKS = {"lenet5": (1, 28, 28), "kerasnet": (3, 32, 32)}
REFERENCES = ("relu", "silu")
TRIES = 10  # for a pair of times in which the whole is longer than its part
# A forward pass reads x and writes y; a backward pass reads the gradient and x, and writes the gradient of x.
BYTES_FORWARD, BYTES_BACKWARD, BYTES_COPY = 8, 12, 8
FILE = "bench.json"
SECONDS = 0.02  # for one measurement


def bench(names, *, sites=tuple(SITES), networks=tuple(NETWORKS), device="cpu", rounds=7):
    """Measure activations alone, at the sizes of real sites, and training steps of whole networks with them.

    Parameters
    ----------
    names : iterable of str
        Registered activations; ReLU and SiLU are measured besides.
    sites : iterable of str
        Keys of `SITES`.
    networks : iterable of str
        Keys of `NETWORKS`; training steps are measured for ReLU, SiLU, LEAF, and the activations among `names` if they are
        three at most.
    device : str
    rounds : int, default 7

    Returns
    -------
    dict
        ``machine``; ``sites``: a line for each site, activation and mode (eager or compiled) with the medians
        ``forward_us`` and ``backward_us``, ``to_relu``, ``to_silu`` and ``to_limit`` (forward plus backward over that of
        eager ReLU, of eager SiLU, and over the time in which memory can be read and written), ``saved`` and ``peak``
        (bytes an element of the input); ``steps``: a line for each network, activation and mode with ``step_ms`` and
        ``to_relu``.
    """
    names = list(dict.fromkeys([*REFERENCES, *names]))
    result = {"machine": machine(device), "batch": BATCH, "rounds": rounds, "sites": [], "steps": []}
    for site in tqdm(sites, desc="sites", disable=not sys.stderr.isatty()):
        result["sites"] += _site(site, names, device, rounds)
    stepped = list(dict.fromkeys([*REFERENCES, "leaf", *(names if len(names) <= 5 else ())]))
    for network in tqdm(networks, desc="networks", disable=not sys.stderr.isatty()):
        result["steps"] += _network(network, stepped, device, rounds)
    return result


def table(result):
    """The result of `bench` as text: forward plus backward beside ReLU's and SiLU's, the median over the sites.

    Parameters
    ----------
    result : dict
        From `bench`.

    Returns
    -------
    str
    """
    lines = [
        f"{', '.join(f'{key} {value}' for key, value in result['machine'].items())}; batch {result['batch']}, "
        f"{result['rounds']} rounds",
        "",
        f"{'forward + backward':28} {'to ReLU':>8} {'to SiLU':>8} {'to limit':>9} {'saved':>6} {'peak':>6}   bytes an element",
    ]
    for name, mode in dict.fromkeys((line["activation"], line["mode"]) for line in result["sites"]):
        of = [line for line in result["sites"] if (line["activation"], line["mode"]) == (name, mode)]
        middle = {key: statistics.median(line[key] for line in of) for key in ("to_relu", "to_silu", "to_limit", "peak")}
        saved = "" if of[0]["saved"] is None else f"{of[0]['saved']:.1f}"
        lines.append(
            f"{name:18} {mode:9} {middle['to_relu']:8.2f} {middle['to_silu']:8.2f} {middle['to_limit']:9.2f} {saved:>6} "
            f"{middle['peak']:6.1f}"
        )
    if result["steps"]:
        lines += ["", f"{'training step':18} {'':9} {'network':9} {'ms':>8} {'to ReLU':>8}"]
    for line in result["steps"]:
        lines.append(f"{line['activation']:18} {line['mode']:9} {line['network']:9} {line['step_ms']:8.1f} {line['to_relu']:8.3f}")
    return "\n".join(lines)


def recorded(file=FILE):
    """The committed measurements in ``results``; no lines where there are none.

    Parameters
    ----------
    file : str, default "bench.json"

    Returns
    -------
    dict
        As from `bench`, or from what measured that file.
    """
    try:
        return json.loads((project_folder() / "results" / file).read_text())
    except FileNotFoundError:
        return {"machine": {}, "batch": BATCH, "rounds": 0, "sites": [], "steps": []}


def write(result, folder, file=FILE):
    """Keep a result in a folder, as ``bench.json`` or another file.

    Parameters
    ----------
    result : dict
    folder : path
    file : str, default "bench.json"

    Raises
    ------
    UserError
        If the folder cannot be written or the disk is full.
    """
    write_atomically(Path(folder) / file, (json.dumps(result, indent=1) + "\n").encode())


def machine(device):
    """Where a measurement was made: no host or user name."""
    from .training.inspection import environment  # here: the loop's imports are not needed for anything else

    found = environment(torch.device(device))
    return {**found["hardware"], **found["versions"], "adaptact": __version__, "system": platform.system()}


def _site(site, names, device, rounds):
    shape = SITES[site]
    x = torch.randn(BATCH, *shape, device=device, requires_grad=True)
    gradient, target = torch.randn_like(x), torch.empty_like(x)
    timers: dict[Any, Sequence] = {"copy": [_timer("t.copy_(x)", t=target, x=x.detach())]}
    lines: dict[tuple[str, str], dict] = {}
    for name in names:
        for mode in ("eager", "compiled"):
            with compiled("always" if mode == "compiled" else "never"):
                module = make(name, shape).to(device)
                compute = module
                compute(x)
                if mode == "compiled" and not was_compiled():
                    compute = kernel(module, site)  # a function of torch's, or a plain one
                call = _in_mode(compute, mode)
                try:
                    forward, backward = _passes(call, x, gradient, module)
                except Exception:  # no compiler: there is nothing to measure
                    continue
            timers[name, mode] = forward, backward
            lines[name, mode] = {
                "site": site,
                "activation": name,
                "mode": mode,
                "granularity": (granularities(name) or ("fixed",))[0],
                "saved": round(saved_bytes(name), 2) if mode == "eager" else None,
                "peak": round(_peak(call, x, gradient, module) / x.numel(), 1),
            }
    times = {key: [] for key in timers}
    for _ in range(rounds):
        for key, pair in timers.items():
            times[key].append(_undisturbed(pair))
    both = {key: [seconds[-1] for seconds in each] for key, each in times.items()}
    limit = [(BYTES_FORWARD + BYTES_BACKWARD) / BYTES_COPY * seconds for seconds in both["copy"]]
    for key, line in lines.items():
        line["forward_us"] = round(1e6 * statistics.median(forward for forward, _ in times[key]), 1)
        line["backward_us"] = round(1e6 * statistics.median(both - forward for forward, both in times[key]), 1)
        for reference in REFERENCES:
            line[f"to_{reference}"] = _ratio(both[key], both[reference, "eager"])
        line["to_limit"] = _ratio(both[key], limit)
    return list(lines.values())


def _undisturbed(pair):
    """Seconds of a forward pass and of a forward and a backward pass; timed again where other programs made the part the longer."""
    for _ in range(TRIES):
        seconds = [_seconds(timer) for timer in pair]
        if seconds[-1] > seconds[0] or len(pair) == 1:
            break
    return seconds


def _network(network, names, device, rounds):
    images = torch.rand(BATCH, *NETWORKS[network], device=device)
    labels = torch.randint(10, (BATCH,), device=device)
    timers = {}
    for name in names:
        for mode in ("eager", "compiled") if is_trainable(name) else ("eager",):
            torch.manual_seed(0)
            model = build(network, NETWORKS[network], partial(make, name)).to(device)
            optimizer = torch.optim.Adam(model.parameters())
            call = _in_mode(partial(_step, model, optimizer, images, labels), mode)
            call(), call()
            timers[name, mode] = _timer("call()", call=call)
    times = {key: [] for key in timers}
    for _ in range(3 * rounds):
        for key, timer in timers.items():
            times[key].append(timer.timeit(1).mean)
    return [
        {
            "network": network,
            "activation": name,
            "mode": mode,
            "step_ms": round(1e3 * statistics.median(times[name, mode]), 2),
            "to_relu": _ratio(times[name, mode], times["relu", "eager"]),
        }
        for name, mode in timers
    ]


def _step(model, optimizer, images, labels):
    from .training import step

    step(model, optimizer, images, labels)


def _in_mode(function, mode):
    """The function as it is under `compiled`, which is asked when it is called."""

    def call(*arguments):
        with compiled("always" if mode == "compiled" else "never"):
            return function(*arguments)

    return call


def _passes(call, x, gradient, module):
    """Timers of a forward pass, and of a forward and a backward pass: compiled code does not bear one twice for a graph."""
    inputs = (x, *module.parameters())
    torch.autograd.grad(call(x), inputs, gradient)
    both = "grad(call(x), inputs, gradient)"
    return _timer("call(x)", call=call, x=x), _timer(
        both, grad=torch.autograd.grad, call=call, x=x, inputs=inputs, gradient=gradient
    )


def _timer(statement, **names):
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # its import remarks that there is no GPU
    from torch.utils.benchmark import Timer

    return Timer(statement, globals=names, num_threads=torch.get_num_threads())


def _seconds(timer):
    first = timer.timeit(1).mean
    return timer.timeit(max(1, int(SECONDS / max(first, 1e-7)))).mean


def _ratio(times, reference):
    return round(statistics.median(a / b for a, b in zip(times, reference, strict=True)), 3)


def _peak(call, x, gradient, module):
    """The most bytes allocated at once by a forward and a backward pass, by torch's own count."""
    inputs = (x, *module.parameters())
    if x.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(x.device)
        before = torch.cuda.memory_allocated(x.device)
        torch.autograd.grad(call(x), inputs, gradient)
        return torch.cuda.max_memory_allocated(x.device) - before
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or the profiler writes two lines for each time it is used
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        torch.autograd.grad(call(x), inputs, gradient)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    held = peak = 0
    for event in sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"]):
        held += event["args"]["Bytes"]
        peak = max(peak, held)
    return peak


__all__ = ["NETWORKS", "SITES", "bench", "recorded", "table", "write"]
