"""Properties of functions by autograd and by machine: rules that need no record, and what they measure with."""

import torch

from ..plotting import curve
from .base import Verdict, stated

JUMP = 5e-4  # a slope that changes by more between two points, however near they are, jumps there
ENDS = (1e3, 1e6)  # a bounded function is not larger up to the second than up to the first
ROUNDING = 1e-9  # a function that comes down by less, in all, has not fallen


def kinks(function, low=-150.0, high=150.0):
    """Where the slope of a function jumps, and the slopes on both sides, by autograd in float64.

    Each step of a grid of 0.001 over which the slope changes by more than `JUMP` is halved again and again, towards the
    larger change. At a kink the change stays; where the slope is only steep, it goes.
    A jump of about 0.001 can be missed where the slope beside it rises as fast the other way.

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

    @stated(f"no slope jumps by more than {JUMP:g} anywhere on [−150, 150], by autograd", "calculus")
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
    """The largest absolute value of a function between -end and end, on points whose distances grow with them.

    Parameters
    ----------
    function : callable
        Of one tensor, float64.
    end : float

    Returns
    -------
    float
    """
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

    @stated(f"for |x| up to {ENDS[1]:,.0f} the output is at most 1 % larger than for |x| up to {ENDS[0]:,.0f}", "calculus")
    def rule(evidence):
        sizes = {name: [largest(function, end) for end in ENDS] for name, function in functions.items()}
        grows = [name for name, (near, far) in sizes.items() if far > 1.01 * near]
        said = [f"{near:,.7g} and {far:,.7g} ({name})" for name, (near, far) in sizes.items()]
        near, far = (f"{end:,.0f}" for end in ENDS)
        reason = f"for |x| up to {near} and up to {far} the largest sizes of the output are {'; '.join(said)}"
        verdict = "holds" if not grows else "does not hold" if len(grows) == len(sizes) else "holds in part"
        return Verdict(verdict, reason, "not bounded" if grows else "bounded", profile="computed")

    return rule


def fall(function, low=-150.0, high=150.0):
    """How far a function comes down, on a grid of 0.001 in float64.

    Parameters
    ----------
    function : callable
        Of one tensor.
    low, high : float, default -150 and 150

    Returns
    -------
    depth, place : float
        How far it is below the largest of its earlier values at most, and where that is.
    """
    grid = torch.linspace(low, high, round(1000 * (high - low)) + 1, dtype=torch.float64)
    values = function(grid)
    depth, index = (values.cummax(0).values - values).max(0)
    return depth.item(), grid[index].item()


def monotone(functions):
    """Whether functions never fall.

    Small steps down are added up, so that a slow fall is found as well as a steep one.

    Parameters
    ----------
    functions : dict of str to callable
        By what they are called in the reason.

    Returns
    -------
    callable
        Its verdict: *holds* when none falls, *does not hold* when each does, else *holds in part*.
    """

    @stated(f"it comes down by no more than {ROUNDING:g} anywhere on [−150, 150]", "calculus")
    def rule(evidence):
        found = {name: fall(function) for name, function in functions.items()}
        falling = {name: (depth, place) for name, (depth, place) in found.items() if depth > ROUNDING}
        if not falling:
            return Verdict("holds", "it falls nowhere on [-150, 150]", "monotone", profile="computed")
        said = [f"{depth:.3g} at {place:.4g} ({name})".replace("-", "−") for name, (depth, place) in falling.items()]
        return Verdict(
            "does not hold" if len(falling) == len(found) else "holds in part",
            f"the largest distances below an earlier value are {'; '.join(said)}",
            "not monotone",
            profile="computed",
        )

    return rule


__all__ = ["bounded", "differentiable", "fall", "kinks", "largest", "monotone"]
