"""Rules for the PLTanh paper's claims on units and gradients: which units die, how gradients flow, and what alpha does to both."""

from itertools import pairwise

import numpy as np
import scipy
import torch

from .. import activations
from ..experiments import get
from ..experiments.pltanh import ALPHAS, DEPTHS
from ..stats import paired
from .base import Verdict, hardware_of, stated
from .gradients import keeps_more, trains_better
from .pltanh_training import FOLDS, OVERLAP, nothing, signed
from .rules import FEW, PAIRED, decided, scale_of

DEEP = "pltanh/depth"
HIGH, USUAL, LOW = (1.0, 2.0, 5.0), 0.01, 0.001  # alphas of the deep networks


@stated("its size is alpha, to a thousandth, at each of 100,001 places", "calculus")
def negative_slope(evidence):
    """The slope for negative inputs, by autograd in float64 and in float32, which networks are trained in."""
    least = []
    for dtype in (torch.float64, torch.float32):
        for alpha in ALPHAS:
            x = torch.linspace(-1000, -1e-3, 100_001, dtype=dtype, requires_grad=True)
            slope = torch.autograd.grad(activations.make("pltanh", (1,), alpha=alpha)(x).sum(), x)[0]
            least.append((slope.abs().min() / alpha).item())
    verdict = "holds" if min(least) > 0.999 else "does not hold"
    return Verdict(verdict, "it is −alpha at each of 100,001 places, in float32 too", profile="computed")


@stated("no layer of any trained network with PLTanh has a unit whose slope is 0 for every image", FOLDS)
def no_dead(evidence):
    """Units with a slope of zero for every image, in all recorded networks with PLTanh, and in those with ReLU."""
    dead, used, n = {}, [], []
    for row in ("PLTanh", "ReLU"):
        shares, count = [], 0
        for column in dict.fromkeys(cell.column for cell in get(FOLDS).cells):
            records = [r for r in evidence.records(FOLDS, column, row, "laptop").values() if r.units]
            used += records
            count += len(records)
            shares += [site["dead"] for record in records for site in record.units.values()]
            n += [len(records)] if records else []
        dead[row] = shares, count
    if not all(count for _, count in dead.values()):
        return nothing(FOLDS)
    without = {row: sum(share > 0 for share in shares) for row, (shares, _) in dead.items()}
    said = {row: f"{without[row]} of {len(shares)} layers have some" for row, (shares, _) in dead.items()}
    reason = f"in {dead['PLTanh'][1]} trained networks {said['PLTanh']}; with ReLU {said['ReLU']}"
    common = {"n": min(n), "profile": "laptop", "hardware": hardware_of(used)}
    return Verdict("holds" if not without["PLTanh"] else "does not hold", reason, f"{without['PLTanh']} dead", **common)


@stated(f"on each data set fewer units than with ReLU have a slope below 0.05 for every image, by {PAIRED}", FOLDS)
def no_nearly_dead(evidence):
    """Units whose slope stays below a twentieth for every image: PLTanh at its usual alpha against ReLU."""
    gaps, used = [], []
    for column in dict.fromkeys(cell.column for cell in get(FOLDS).cells):
        both = []
        for row in ("PLTanh", "ReLU"):
            records = {key: r for key, r in evidence.records(FOLDS, column, row, "laptop").items() if r.units}
            used += records.values()
            both.append({k: 100 * np.mean([site["nearly_dead"] for site in r.units.values()]) for k, r in records.items()})
        difference = paired(*both, overlap=OVERLAP)
        if difference is not None and difference.n >= FEW:
            gaps.append((column, difference))
    if not gaps:
        return nothing(FOLDS)
    shown = evidence.significant([gap.p for _, gap in gaps])
    fewer, more = (sum(s and sign * gap.mean < 0 for s, (_, gap) in zip(shown, gaps, strict=True)) for sign in (1, -1))
    said = ", ".join(f"{column} {signed(gap.mean, 0)}" for column, gap in gaps)
    reason = f"with alpha 0.01 units that no image moves by a slope of 0.05 are fewer than with ReLU on {fewer} and more on {more}"
    reason += f" of {len(gaps)} data sets (points of all units: {said})"
    n = min(gap.n for _, gap in gaps)
    return Verdict(decided(fewer, more, len(gaps)), reason, n=n, profile="laptop", hardware=hardware_of(used))


flows = keeps_more(
    {"PLTanh": ("pltanh", {}), "tanh": ("tanh", {}), "Leaky ReLU": ("leaky_relu", {})},
    f"alpha {USUAL:g}",
)
trains = trains_better(
    DEEP,
    [(f"{n} hidden layers", f"PLTanh, {USUAL:g}", rival) for rival in ("tanh", "Leaky ReLU") for n in DEPTHS],
    f"with alpha {USUAL:g}",
)


@stated(
    f"at each alpha of {', '.join(f'{alpha:g}' for alpha in HIGH)} more runs than at {USUAL:g} diverge, or their training loss"
    " rises (Fisher's test, {alpha}, Holm); in part, if at some; it falls, if none does",
    DEEP,
)
def too_high(evidence):
    """Whether large alphas make training unstable: runs that diverge, or whose training loss rises from one epoch to the next."""
    rises, used, n, profile = {}, [], [], _scale(evidence, (USUAL, *HIGH))
    for slope in (USUAL, *HIGH):
        for layers in DEPTHS:
            records = evidence.records(DEEP, f"{layers} hidden layers", f"PLTanh, {slope:g}", profile)
            used += records.values()
            rises.setdefault(slope, []).extend(map(unstable, records.values()))
            n += [len(records)] if records else []
    if min(map(len, rises.values())) < FEW:
        return nothing(DEEP)
    usual = rises[USUAL]
    tables = [[[sum(of), len(of) - sum(of)], [sum(usual), len(usual) - sum(usual)]] for of in (rises[slope] for slope in HIGH)]
    shown = evidence.significant([float(scipy.stats.fisher_exact(t, alternative="greater").pvalue) for t in tables])
    said = ", ".join(f"{sum(of)} of {len(of)} at {slope:g}" for slope, of in rises.items())
    reason = f"runs that diverge or whose training loss rises: {said}"
    none = not any(sum(rises[slope]) for slope in HIGH)
    verdict = "holds" if all(shown) else "holds in part" if any(shown) else "does not hold" if none else "undecided"
    return Verdict(verdict, reason, n=min(n), profile=profile, hardware=hardware_of(used))


def _scale(evidence, slopes):
    return scale_of(evidence, ((DEEP, f"{n} hidden layers", f"PLTanh, {slope:g}") for n in DEPTHS for slope in slopes))


def unstable(record):
    """Whether a run diverged, or its training loss rose."""
    losses = record.curves["train_loss"]
    return record.status == "diverged" or any(b > a for a, b in pairwise(losses))


@stated(f"at alpha {LOW:g} some unit is dead, or more are nearly dead than at {USUAL:g} (paired t-test, {{alpha}})", DEEP)
def too_low(evidence):
    """Whether units die at a small alpha: exactly, none can; nearly, compared with a larger one."""
    shares, used, profile = {}, [], _scale(evidence, (LOW, USUAL))
    for slope in (LOW, USUAL):
        shares[slope] = {}
        for layers in DEPTHS:
            for seed, record in evidence.records(DEEP, f"{layers} hidden layers", f"PLTanh, {slope:g}", profile).items():
                if record.units and record.status == "done":
                    used.append(record)
                    shares[slope][seed, layers] = [
                        np.mean([site[kind] for site in record.units.values()]) for kind in ("dead", "nearly_dead")
                    ]
    both = [{key: 100 * value[1] for key, value in shares[slope].items()} for slope in (LOW, USUAL)]
    difference = paired(*both)
    if difference is None or difference.n < FEW:
        return nothing(DEEP)
    dead = max(value[0] for value in shares[LOW].values())
    low, usual = (np.mean(list(of.values())) for of in both)
    reason = (
        f"at alpha {LOW:g} {'no unit is' if dead == 0 else f'up to {dead:.0%} of units are'} dead; nearly dead, with slopes below"
    )
    reason += f" 0.05 for every image, are {low:.0f} % at {LOW:g} and {usual:.0f} % at {USUAL:g}"
    died = dead > 0 or (difference.p is not None and difference.p < evidence.alpha and difference.mean > 0)
    n = len({seed for seed, _ in shares[LOW]})
    return Verdict("holds" if died else "does not hold", reason, n=n, profile=profile, hardware=hardware_of(used))
