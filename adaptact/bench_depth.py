"""What PLTanh costs in networks of growing depth, beside its rivals: ``python -m adaptact bench depth``.

One thread, and the processor time of this process: what other programs take does not count. In every round each depth and
function is timed once, and a ratio to ReLU is taken within a round and depth. Inputs are random: speed does not depend on them,
but for numbers so small that a processor is slow with them, as squared gradients in deep networks are; here they are set to zero.
"""

import contextlib
import sys
import time
import timeit
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from .activations import compiled, make, was_compiled
from .bench import _in_mode, _peak, _step, machine
from .functional import pltanh
from .models import MLP

FILE = "bench-depth.json"
DEPTHS = (4, 8, 16, 32, 64)
SECONDS = 0.02  # for one measurement, or one call
CLASSES = 10


class _Plain(nn.Module):
    """The formula of the author's snippet: autograd keeps what it wants for the backward pass."""

    def forward(self, x):
        return pltanh(x, 0.01)


def _convolutions(activation, depth, channels=16, side=16):
    layers = []
    for _ in range(depth):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), activation((channels, side, side))]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side**2, CLASSES))


# By name the shape of a batch, and what builds a network of so many layers, given the activation and their number.
BODIES = {
    "dense": ((128, 256), lambda activation, depth: MLP((256,), activation, CLASSES, depth=depth, fc_width=256)),
    "convolutions": ((32, 16, 16, 16), _convolutions),
}
NAMES = ("ReLU", "Leaky ReLU", "ALReLU", "ALReLU, compiled", "tanh", "PLTanh", "PLTanh, compiled")
FUNCTIONS = {name: partial(make, name.partition(",")[0].lower().replace(" ", "_")) for name in NAMES}
FUNCTIONS["PLTanh, plain"] = lambda shape: _Plain()
PASSES = ("forward", "gradient", "step")
LABELS = {"step": "training step", "gradient": "forward and backward", "forward": "forward", "peak_to_relu": "peak memory"}


def bench_depth(*, depths=DEPTHS, bodies=tuple(BODIES), functions=tuple(FUNCTIONS), rounds=7):
    """Measure networks of equal layers with one function each, on the CPU.

    Parameters
    ----------
    depths : iterable of int
        Numbers of hidden layers, and so of activations.
    bodies : iterable of str
        Keys of `BODIES`.
    functions : iterable of str
        Keys of `FUNCTIONS`; ReLU is measured besides.
    rounds : int, default 7
        Measurements of each, interleaved.

    Returns
    -------
    dict
        ``machine``, ``rounds``, and ``lines``: one for each body, depth and function with the median times ``forward_ms`` (no
        gradient asked for), ``gradient_ms`` (forward and backward) and ``step_ms`` (these and ADAM); under ``forward``,
        ``gradient`` and ``step`` the quartiles of the ratio to ReLU; under ``ratios`` that of the step, round by round;
        ``peak``, the most bytes that forward and backward allocate at once, and ``peak_to_relu``.
    """
    functions = list(dict.fromkeys(["ReLU", *functions]))
    calls, lines = {}, {}
    with _quietly():
        where = machine("cpu")
        for key in product(bodies, depths, functions):
            made = _calls(*key)
            if made is not None:  # else there is no compiler
                peak, *made = made
                calls[key] = [(call, max(1, int(SECONDS / _seconds(call, 1)))) for call in made]
                lines[key] = dict(zip(("body", "depth", "function", "peak"), (*key, peak), strict=True))
        times = {key: [] for key in calls}
        for _ in tqdm(range(rounds), desc="rounds", disable=not sys.stderr.isatty()):
            for key, each in calls.items():
                times[key].append([_seconds(call, number) for call, number in each])
    for (body, depth, function), line in lines.items():
        own, relu = (np.array(times[body, depth, name]) for name in (function, "ReLU"))  # rounds x passes
        for number, name in enumerate(PASSES):
            line[f"{name}_ms"] = round(1e3 * float(np.median(own[:, number])), 3)
            line[name] = np.quantile(own[:, number] / relu[:, number], (0.25, 0.5, 0.75)).round(4).tolist()
        line["ratios"] = (own[:, -1] / relu[:, -1]).round(4).tolist()
        line["peak_to_relu"] = round(line["peak"] / lines[body, depth, "ReLU"]["peak"], 3)
    return {"machine": where, "rounds": rounds, "lines": list(lines.values())}


def ratios(result, what="step"):
    """Ratios to ReLU by depth.

    Parameters
    ----------
    result : dict
        From `bench_depth`.
    what : {"step", "gradient", "forward", "peak_to_relu"}

    Returns
    -------
    pandas.DataFrame
        Text: a line for each body and function, a column for each depth; the median, with the quartiles where there are some.
    """
    lines = pd.DataFrame(result["lines"]).set_index(["body", "function", "depth"])[what]
    said = lines.map(lambda of: f"{of:.2f}" if what == "peak_to_relu" else "{1:.2f} [{0:.2f}–{2:.2f}]".format(*of))
    return said.unstack("depth", sort=False)


def table(result):
    """The result of `bench_depth` as text."""
    text = [", ".join(f"{key} {value}" for key, value in result["machine"].items()) + f"; {result['rounds']} rounds"]
    for what, title in LABELS.items():
        text += ["", f"{title}, to ReLU", ratios(result, what).to_string()]
    return "\n".join(text)


def _calls(body, depth, function):
    """The peak of memory, and the three passes to time, all called once; None where a formula is not compiled after all."""
    mode = "compiled" if function.endswith(", compiled") else "eager"
    shape, network = BODIES[body]
    torch.manual_seed(0)
    model = network(FUNCTIONS[function], depth)
    images, labels = torch.randn(shape), torch.randint(CLASSES, shape[:1])
    optimizer = torch.optim.Adam(model.parameters())

    def gradient():
        torch.autograd.grad(cross_entropy(model(images), labels), list(model.parameters()))

    passes = [torch.no_grad()(partial(model, images)), gradient, partial(_step, model, optimizer, images, labels)]
    with compiled("always" if mode == "compiled" else "never"):
        for call in passes:
            call()
        if mode == "compiled" and not was_compiled():
            return None
    peak = _peak(_in_mode(model, mode), images.clone().requires_grad_(), torch.randn(shape[0], CLASSES), model)
    return peak, *(_in_mode(call, mode) for call in passes)


def _seconds(call, number):
    return timeit.timeit(call, timer=time.process_time, number=number) / number


@contextlib.contextmanager
def _quietly():
    """One thread, and no numbers that are next to zero."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
