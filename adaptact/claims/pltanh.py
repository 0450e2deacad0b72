"""The claims of the PLTanh paper (Mastromichalakis 2023, arXiv 2310.07720)."""

from functools import partial

import torch

from ..activations.pltanh import pltanh
from ..experiments.pltanh import REPORTED
from ..plotting import curve
from .base import Claim, Verdict
from .pltanh_cost import overhead
from .pltanh_gradients import flows, negative_slope, no_dead, no_nearly_dead, too_high, too_low, trains
from .pltanh_training import GRID, consistently, gains, one_alpha, reported, tuned
from .rules import parts

# The alpha of the author's code, and the one reported for CIFAR-10; the others are not in the text available to us.
FUNCTIONS = {f"alpha {alpha:g}": partial(pltanh, alpha=alpha) for alpha in (0.01, 0.4)}
JUMP = 5e-4  # a slope that changes by more between two points, however near they are, jumps there
ENDS = (1e3, 1e6)  # a bounded function is not larger up to the second than up to the first


def claims():
    """The claims.

    Returns
    -------
    list of Claim
    """
    return [
        Claim(
            "pltanh-differentiable",
            "pltanh",
            "abstract",
            "property",
            "PLTanh is differentiable at all points",
            differentiable(FUNCTIONS),
            published="no kink",
            note="for an alpha of 1 or more it is alpha |x|, with one kink",
        ),
        Claim(
            "pltanh-bounded",
            "pltanh",
            "summary",
            "property",
            "PLTanh keeps the smooth and bounded output of tanh",
            parts({"bounded": bounded(FUNCTIONS), "smooth": differentiable(FUNCTIONS)}),
            published="bounded",
            note="it is neither smooth nor bounded; it has a lower bound, zero, but no upper one",
        ),
        Claim(
            "pltanh-alive",
            "pltanh",
            "abstract, mechanism 1",
            "effect",
            "the gradient for negative inputs is never zero, so units do not die",
            parts({"the slope": negative_slope, "no unit is dead": no_dead, "fewer are nearly dead": no_nearly_dead}),
            published="never zero",
            note="nearly dead: a slope below 0.05 for every image; that of negative inputs is 0.01 in the author's code",
        ),
        Claim(
            "pltanh-flow",
            "pltanh",
            "mechanism 2",
            "effect",
            "gradient flow is better than with tanh or Leaky ReLU alone",
            parts({"gradients before training": flows, "deep networks train better": trains}),
        ),
        Claim(
            "pltanh-accuracy",
            "pltanh",
            "results",
            "value",
            "accuracy is 0.1 to 2.8 points above that of ReLU, Leaky ReLU and ALReLU on each of the five data sets",
            gains(),
            published="+0.1 to +2.8",
            note="which functions and sets the two ends belong to is not in the text available to us",
        ),
        Claim(
            "pltanh-f1",
            "pltanh",
            "results",
            "order",
            "macro precision, recall and F1 are consistently above those of the three competitors",
            consistently(("macro_precision", "macro_recall", "macro_f1")),
        ),
        Claim(
            "pltanh-cifar",
            "pltanh",
            "results",
            "value",
            "85.87 % accuracy on CIFAR-10, at alpha 0.4",
            reported(["cifar10"], "PLTanh, 0.4", REPORTED["cifar10"], GRID),
            published="85.87 %",
            note="from a third-party summary",
        ),
        Claim(
            "pltanh-histopathology",
            "pltanh",
            "results",
            "value",
            "86.68 % accuracy on histopathology, below ReLU and Leaky ReLU",
            reported(["pcam", "pneumonia"], "PLTanh, searched", REPORTED["pcam"]),
            published="86.68 %",
            note="from a third-party summary, against the abstract's claim to be above on every set; the alpha is not in the text"
            " available to us",
        ),
        Claim(
            "pltanh-alpha",
            "pltanh",
            "mechanism 3",
            "effect",
            "the best alpha depends on the data set, so that tuning it matters",
            parts({"tuning it matters": tuned, "it depends on the data set": one_alpha}),
        ),
        Claim(
            "pltanh-alpha-fails",
            "pltanh",
            "failure signatures",
            "effect",
            "an alpha that is too high makes training unstable, one that is too low lets units die",
            parts({"too high": too_high, "too low": too_low}),
            note="the second part is at odds with mechanism 1 of the same text",
        ),
        Claim(
            "pltanh-overhead",
            "pltanh",
            "open question 3",
            "effect",
            "PLTanh costs more than ReLU, the more so in deep networks",
            overhead,
        ),
    ]


def kinks(function, low=-150.0, high=150.0):
    """Where the slope of a function jumps, and the slopes on both sides, by autograd in float64.

    Each step of a grid of 0.001 over which the slope changes by more than `JUMP` is halved again and again, towards the
    larger change. At a kink the change stays; where the slope is only steep, it goes.

    Parameters
    ----------
    function : callable
        Of one tensor.
    low, high : float, default -150 and 150

    Returns
    -------
    dict of float to tuple of float
        By place the slope to the left and to the right.
    """
    grid = torch.linspace(low, high, round(1000 * (high - low)) + 1, dtype=torch.float64)
    grid = grid + 0.000_3  # no kink at a round number is on the grid, where autograd has to choose a slope
    slope = curve(function, grid)[1]
    steps = (slope.diff().abs() > JUMP).nonzero().flatten()
    left, right = grid[steps], grid[steps + 1]
    while len(left) and (right - left).max() > 1e-9:
        middle = (left + right) / 2
        at_left, at_middle, at_right = (curve(function, x)[1] for x in (left, middle, right))
        in_left = (at_middle - at_left).abs() > (at_right - at_middle).abs()
        left, right = torch.where(in_left, left, middle), torch.where(in_left, middle, right)
    slopes = torch.stack([curve(function, left)[1], curve(function, right)[1]], dim=1).tolist()
    places = [round(place, 6) + 0.0 for place in ((left + right) / 2).tolist()]
    return {place: tuple(both) for place, both in zip(places, slopes, strict=True) if abs(both[1] - both[0]) > JUMP}


def differentiable(functions):
    """Whether functions have no kink.

    Parameters
    ----------
    functions : dict of str to callable
        By what they are called in the reason.

    Returns
    -------
    callable
        Its verdict: *holds* when none has one, *does not hold* when each has, else *holds in part*.
    """

    def rule(evidence):
        found = {name: kinks(function) for name, function in functions.items()}
        broken = {name: places for name, places in found.items() if places}
        if not broken:
            return Verdict("holds", "the slope jumps nowhere on [-150, 150]", "no kink", profile="computed")
        said = []
        for name, places in broken.items():
            jumps = [f"{left:.3g} and {right:.3g} at {place:.4g}" for place, (left, right) in places.items()]
            said.append(f"{', '.join(jumps)} ({name})".replace("-", "−"))
        most = max(len(places) for places in broken.values())
        return Verdict(
            "does not hold" if len(broken) == len(found) else "holds in part",
            f"the slopes just left and just right are {'; '.join(said)}",
            f"{most} kink{'s' if most > 1 else ''}",
            profile="computed",
        )

    return rule


def largest(function, end):
    """The largest absolute value of a function between -end and end, on points whose distances grow with them."""
    x = torch.logspace(-6, 0, 2001, dtype=torch.float64) * end
    return function(torch.cat([-x, x])).abs().max().item()


def bounded(functions):
    """Whether functions stay where they are between the `ENDS`.

    Parameters
    ----------
    functions : dict of str to callable
        By what they are called in the reason.

    Returns
    -------
    callable
        Its verdict: *holds* when none grows by more than a hundredth, *does not hold* when each does, else *holds in part*.
    """

    def rule(evidence):
        sizes = {name: [largest(function, end) for end in ENDS] for name, function in functions.items()}
        grows = [name for name, (near, far) in sizes.items() if far > 1.01 * near]
        said = [f"{near:,.7g} and {far:,.7g} ({name})" for name, (near, far) in sizes.items()]
        near, far = (f"{end:,.0f}" for end in ENDS)
        reason = f"for |x| up to {near} and up to {far} the largest sizes of the output are {'; '.join(said)}"
        verdict = "holds" if not grows else "does not hold" if len(grows) == len(sizes) else "holds in part"
        return Verdict(verdict, reason, "not bounded" if grows else "bounded", profile="computed")

    return rule
