"""Gradients of deep plain networks, before training and by what training reaches: rules that several papers share."""

from functools import cache, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .. import activations
from ..models import build
from ..stats import estimate, paired
from .base import Verdict, hardware_of, stated
from .rules import FEW, PAIRED, decided, scale_of

UNTRAINED: dict[str, Any] = {"layers": (4, 16), "width": 64, "images": 128, "seeds": 5}  # networks whose gradients are looked at


def decades(name, layers, seed, start="default", **options):
    """How many powers of ten the gradient loses from the last activation of an untrained network to the first.

    Parameters
    ----------
    name : str
        A registered activation.
    layers : int
        Hidden layers.
    seed : int
        Of the weights; images and labels are random, the same for every seed's functions.
    start : {"default", "xavier", "he"}
        How weights are drawn: torch's default, or by Glorot and Bengio (2010), or by He et al. (2015), both normal, biases zero.
    **options
        Of the activation.

    Returns
    -------
    float
        Positive where the gradient vanishes on its way back, negative where it explodes.
    """
    draw = {"xavier": torch.nn.init.xavier_normal_, "he": partial(torch.nn.init.kaiming_normal_, nonlinearity="relu")}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        images = torch.rand(UNTRAINED["images"], 1, 28, 28)
        labels = torch.randint(10, (UNTRAINED["images"],))
        make = partial(activations.make, name, **options)
        model = build("mlp", (1, 28, 28), make, depth=layers, fc_width=UNTRAINED["width"]).double()
        for module in model.modules():
            if isinstance(module, torch.nn.Linear) and start != "default":
                draw[start](module.weight)
                torch.nn.init.zeros_(module.bias)
    outputs = []
    for number in range(1, layers + 1):
        getattr(model, f"act{number}").register_forward_hook(lambda module, inputs, output: outputs.append(output))
    loss = F.cross_entropy(model(images.double()), labels)
    first, *_, last = torch.autograd.grad(loss, outputs)
    tiny = torch.finfo(torch.float64).tiny
    return float(torch.log10(last.norm().clamp(min=tiny) / first.norm().clamp(min=tiny)))


@cache
def _lost(name, options, layers):
    return np.array([decades(name, layers, seed, **dict(options)) for seed in range(UNTRAINED["seeds"])])


def keeps_more(functions, said):
    """Gradients of untrained networks with torch's start: the first function loses fewer powers of ten than each other.

    Parameters
    ----------
    functions : dict of str to tuple of (str, dict)
        By what they are called in the reason, an activation's name and options.
    said : str
        What the first is called at the beginning of the reason.

    Returns
    -------
    callable
        Its verdict: that of paired t-tests over weights, corrected over all others and depths of `UNTRAINED`.
    """

    depths = " and ".join(map(str, UNTRAINED["layers"]))

    @stated(
        f"through {depths} untrained layers it loses fewer powers of ten of the gradient than each other, by {PAIRED}", "calculus"
    )
    def rule(evidence):
        found = {
            (row, layers): _lost(name, tuple(sorted(options.items())), layers)
            for row, (name, options) in functions.items()
            for layers in UNTRAINED["layers"]
        }
        own, *others = functions
        pairs = [(other, layers) for other in others for layers in UNTRAINED["layers"]]
        # Less is better on both sides: a gradient that explodes is no better than one that vanishes.
        gaps = [estimate(np.abs(found[other, n]) - np.abs(found[own, n]), test=True) for other, n in pairs]
        yes, no = shown(evidence, gaps)
        deep = UNTRAINED["layers"][-1]
        lost = ", ".join(f"{row} {found[row, deep].mean():.1f}" for row in functions)
        reason = f"{said} keeps more of the gradient in {yes} and less in {no} of {len(pairs)} comparisons over"
        reason += f" {UNTRAINED['seeds']} starts; powers of ten lost through {deep} layers: {lost}"
        return Verdict(decided(yes, no, len(pairs)), reason, profile="computed")

    return rule


def trains_better(experiment, pairs, said):
    """Accuracy of deep networks at the last epoch, from records of the better scale at which all of them are there.

    Parameters
    ----------
    experiment : str
    pairs : list of (str, str, str)
        Column, row, and the row that it is compared with.
    said : str
        What the first row is called in the reason.

    Returns
    -------
    callable
        Its verdict: that of paired t-tests over seeds, corrected over all pairs.
    """

    @stated(f"its accuracy in deep networks is above each rival's at every depth by {PAIRED}", experiment)
    def rule(evidence):
        found, used = [], []
        profile = scale_of(evidence, ((experiment, column, of) for column, *both in pairs for of in both))
        for column, row, rival in pairs:
            difference = paired(*(evidence.scores(experiment, column, of, profile, "last") for of in (row, rival)))
            if difference is not None and difference.n >= FEW:
                found.append(difference)
                used += [r for of in (row, rival) for r in evidence.records(experiment, column, of, profile).values()]
        if not found:
            return Verdict("undecided", f"no comparison has two records on each side yet; {experiment} makes them")
        yes, no = shown(evidence, found)
        spread = " to ".join(f"{of(d.mean for d in found):+.1f}".replace("-", "−") for of in (min, max))
        reason = f"{said} above in {yes} and below in {no} of {len(pairs)} comparisons, by {spread} points"
        n = min(d.n for d in found)
        return Verdict(decided(yes, no, len(pairs)), reason, spread, n=n, profile=profile, hardware=hardware_of(used))

    return rule


def shown(evidence, differences):
    """Of differences with their p-values, how many are significantly above zero, and how many below, by Holm's correction."""
    significant = evidence.significant([d.p for d in differences])
    return tuple(sum(s and sign * d.mean > 0 for s, d in zip(significant, differences, strict=True)) for sign in (1, -1))
