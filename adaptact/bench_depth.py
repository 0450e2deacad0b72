"""What PLTanh costs in networks of growing depth, beside its rivals: ``python -m adaptact bench depth``.

One thread, and the processor time of this process: what other programs take does not count. In every round each depth and
function is timed once, the functions in a new order, and a ratio to ReLU is taken within a round and depth. They share the
weights: where these lie in memory matters. Inputs are random: speed does not depend on them, but for numbers so small that a
processor is slow with them, as squared gradients in deep networks are; here they are set to zero.
"""

import contextlib
import random
import sys
import time
import timeit
from collections.abc import Callable
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from .activations import compiled, make, was_compiled
from .bench import _peak, _step, machine
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


def _convolutions(depth):
    pairs = [(nn.Conv2d(16, 16, 3, padding=1), nn.Identity()) for _ in range(depth)]
    return nn.Sequential(*chain(*pairs), nn.Flatten(), nn.Linear(16 * 16 * 16, CLASSES))


BODIES = {  # by name the shape of a batch, and what builds a network of so many layers, with a place for a function after each
    "dense": ((128, 256), lambda depth: MLP((256,), lambda shape: nn.Identity(), CLASSES, depth=depth, fc_width=256)),
    "convolutions": ((32, 16, 16, 16), _convolutions),
}
NAMES = ("ReLU", "Leaky ReLU", "ALReLU", "ALReLU, compiled", "tanh", "PLTanh", "PLTanh, compiled")
FUNCTIONS: dict[str, Callable] = {name: partial(make, name.partition(",")[0].lower().replace(" ", "_"), (1,)) for name in NAMES}
FUNCTIONS["PLTanh, plain"] = _Plain
PASSES = ("forward", "gradient", "step")
LABELS = {"step": "training step", "gradient": "forward and backward", "forward": "forward", "peak_to_relu": "peak memory"}


def bench_depth(*, depths=DEPTHS, bodies=tuple(BODIES), functions=tuple(FUNCTIONS), rounds=9):
    """Measure networks of equal layers with one function each, on the CPU.

    Parameters
    ----------
    depths : iterable of int
        Numbers of hidden layers, and so of activations.
    bodies : iterable of str
        Keys of `BODIES`.
    functions : iterable of str
        Keys of `FUNCTIONS`; ReLU is measured besides.
    rounds : int, default 9
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
    lines, times, order = {}, {}, random.Random(0)
    with _quietly():
        where = machine("cpu")
        networks = {(body, depth): _Network(body, depth) for body in bodies for depth in depths}
        for (body, depth), network in networks.items():
            for function in functions:
                if (peak := network.first(function)) is not None:  # else there is no compiler
                    key = body, depth, function
                    lines[key], times[key] = dict(zip(("body", "depth", "function", "peak"), (*key, peak), strict=True)), []
        for _ in tqdm(range(rounds), desc="rounds", disable=not sys.stderr.isatty()):
            for body, depth, function in sorted(times, key=lambda key: (*key[:2], order.random())):
                times[body, depth, function].append(networks[body, depth].seconds(function))
    for (body, depth, function), line in lines.items():
        own, relu = (np.array(times[body, depth, name]) for name in (function, "ReLU"))  # rounds x passes
        for number, name in enumerate(PASSES):
            line[f"{name}_ms"] = round(1e3 * float(np.median(own[:, number])), 3)
            line[name] = np.quantile(own[:, number] / relu[:, number], (0.25, 0.5, 0.75)).round(4).tolist()
        line["ratios"] = (own[:, -1] / relu[:, -1]).round(4).tolist()
        line["peak_to_relu"] = round(line["peak"] / lines[body, depth, "ReLU"]["peak"], 3)
    return {"machine": where, "rounds": rounds, "lines": list(lines.values())}


def ratios(result, what="step"):
    """Ratios to ReLU of a result, as a table of text by depth: the median and quartiles of a time.

    Parameters
    ----------
    result : dict
        From `bench_depth`.
    what : str, default "step"
        A key of `LABELS`; ``peak_to_relu`` is of memory, a single number.

    Returns
    -------
    pandas.DataFrame
        Text: a row a body and function, a column a depth.
    """
    lines = pd.DataFrame(result["lines"]).set_index(["body", "function", "depth"])[what]
    said = lines.map(lambda of: f"{of:.2f}" if what == "peak_to_relu" else "{1:.2f} [{0:.2f}–{2:.2f}]".format(*of))
    return said.unstack("depth", sort=False)


def table(result):
    """The result of `bench_depth` as text.

    Parameters
    ----------
    result : dict
        From `bench_depth`.

    Returns
    -------
    str
    """
    text = [", ".join(f"{key} {value}" for key, value in result["machine"].items()) + f"; {result['rounds']} rounds"]
    for what, title in LABELS.items():
        text += ["", f"{title}, to ReLU", ratios(result, what).to_string()]
    return "\n".join(text)


class _Network:
    """A network whose weights, and their places in memory, stay the same while one function takes another's place."""

    def __init__(self, body, depth):
        shape, build = BODIES[body]
        torch.manual_seed(0)
        self.model = build(depth)
        self.sites = [name for name, module in self.model.named_modules() if isinstance(module, nn.Identity)]
        self.images, self.labels = torch.randn(shape), torch.randint(CLASSES, shape[:1])
        step = partial(_step, self.model, torch.optim.Adam(self.model.parameters()), self.images, self.labels)
        self.passes, self.numbers = [torch.no_grad()(partial(self.model, self.images)), self._gradient, step], []

    def _gradient(self):
        torch.autograd.grad(cross_entropy(self.model(self.images), self.labels), list(self.model.parameters()))

    def first(self, function):
        """The peak of memory after a call of each pass; None where a formula is not compiled after all."""
        with self._with(function):
            each = [_seconds(call, 1) for call in (*self.passes, *self.passes)][len(self.passes) :]
            self.numbers = self.numbers or [max(1, int(SECONDS / seconds)) for seconds in each]
            if function.endswith("compiled") and not was_compiled():
                return None
            return _peak(self.model, self.images.clone().requires_grad_(), torch.randn(len(self.images), CLASSES), self.model)

    def seconds(self, function):
        """Seconds of each pass."""
        with self._with(function):
            return [_seconds(call, number) for call, number in zip(self.passes, self.numbers, strict=True)]

    def _with(self, function):
        for site in self.sites:
            self.model.set_submodule(site, FUNCTIONS[function]())
        return compiled("always" if function.endswith("compiled") else "never")


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


__all__ = ["bench_depth", "ratios", "table"]
