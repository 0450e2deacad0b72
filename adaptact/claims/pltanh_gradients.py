"""Rules for the PLTanh paper's claims on units and gradients: which units die, how gradients flow, and what alpha does to both."""

from functools import cache, partial
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats

from .. import activations
from ..experiments import get
from ..experiments.pltanh import ALPHAS, DEPTHS
from ..models import build
from ..stats import estimate, holm, paired
from .base import Verdict, hardware_of
from .pltanh_training import FOLDS, OVERLAP, nothing, signed
from .rules import ALPHA, FEW, decided

DEEP = "pltanh/depth"
HIGH, USUAL, LOW = (1.0, 2.0, 5.0), 0.01, 0.001  # alphas of the deep networks
UNTRAINED = {"layers": (4, 16), "width": 64, "images": 128, "seeds": 5}  # networks whose gradients are looked at


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
    shown = [p is not None and p < ALPHA for p in holm([gap.p for _, gap in gaps])]
    fewer, more = (sum(s and sign * gap.mean < 0 for s, (_, gap) in zip(shown, gaps, strict=True)) for sign in (1, -1))
    said = ", ".join(f"{column} {signed(gap.mean, 0)}" for column, gap in gaps)
    reason = f"with alpha 0.01 units that no image moves by a slope of 0.05 are fewer than with ReLU on {fewer} and more on {more}"
    reason += f" of {len(gaps)} data sets (points of all units: {said})"
    n = min(gap.n for _, gap in gaps)
    return Verdict(decided(fewer, more, len(gaps)), reason, n=n, profile="laptop", hardware=hardware_of(used))


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
def untrained(start="default"):
    """`decades` of four functions: by function and layers, a value a seed."""
    rows = {"PLTanh": ("pltanh", {}), "tanh": ("tanh", {}), "Leaky ReLU": ("leaky_relu", {}), "ReLU": ("relu", {})}
    return {
        (row, layers): [decades(name, layers, seed, start, **options) for seed in range(UNTRAINED["seeds"])]
        for row, (name, options) in rows.items()
        for layers in UNTRAINED["layers"]
    }


def flows(evidence):
    """Gradients of untrained networks: PLTanh loses fewer powers of ten than tanh and than Leaky ReLU."""
    found = untrained()
    pairs = [(rival, layers) for rival in ("tanh", "Leaky ReLU") for layers in UNTRAINED["layers"]]
    # Less is better on both sides: a gradient that explodes is no better than one that vanishes.
    gaps = [estimate(np.abs(found[r, n]) - np.abs(found["PLTanh", n]), test=True) for r, n in pairs]
    shown = [p is not None and p < ALPHA for p in holm([gap.p for gap in gaps])]
    yes, no = (sum(s and sign * gap.mean > 0 for s, gap in zip(shown, gaps, strict=True)) for sign in (1, -1))
    deep = UNTRAINED["layers"][1]
    lost = ", ".join(f"{row} {np.mean(found[row, deep]):.1f}" for row in ("PLTanh", "tanh", "Leaky ReLU"))
    reason = (
        f"alpha 0.01 keeps more of the gradient in {yes} and less in {no} of {len(pairs)} comparisons over {UNTRAINED['seeds']}"
    )
    reason += f" starts; powers of ten lost through {deep} layers: {lost}"
    return Verdict(decided(yes, no, len(pairs)), reason, profile="computed")


def trains(evidence):
    """Accuracy of deep plain networks with PLTanh against those with tanh and with Leaky ReLU."""
    return _deep(evidence, [(f"PLTanh, {USUAL:g}", rival) for rival in ("tanh", "Leaky ReLU")])


def _deep(evidence, pairs):
    found, used = [], []
    for row, rival in pairs:
        for layers in DEPTHS:
            column = f"{layers} hidden layers"
            both = [evidence.scores(DEEP, column, of, "laptop", "last") for of in (row, rival)]
            difference = paired(*both)
            if difference is not None and difference.n >= FEW:
                found.append(difference)
                used += [r for of in (row, rival) for r in evidence.records(DEEP, column, of, "laptop").values()]
    if not found:
        return nothing(DEEP)
    shown = [p is not None and p < ALPHA for p in holm([difference.p for difference in found])]
    yes, no = (sum(s and sign * d.mean > 0 for s, d in zip(shown, found, strict=True)) for sign in (1, -1))
    total = len(pairs) * len(DEPTHS)
    spread = " to ".join(signed(of(d.mean for d in found), 1) for of in (min, max))
    reason = f"with alpha {USUAL:g} above in {yes} and below in {no} of {total} comparisons, by {spread} points"
    n = min(d.n for d in found)
    return Verdict(decided(yes, no, total), reason, spread, n=n, profile="laptop", hardware=hardware_of(used))


def too_high(evidence):
    """Whether large alphas make training unstable: runs that diverge, or whose training loss rises from one epoch to the next."""
    rises, used, n = {}, [], []
    for slope in (USUAL, *HIGH):
        for layers in DEPTHS:
            records = evidence.records(DEEP, f"{layers} hidden layers", f"PLTanh, {slope:g}", "laptop")
            used += records.values()
            rises.setdefault(slope, []).extend(map(unstable, records.values()))
            n += [len(records)] if records else []
    if min(map(len, rises.values())) < FEW:
        return nothing(DEEP)
    usual = rises[USUAL]
    tables = [[[sum(of), len(of) - sum(of)], [sum(usual), len(usual) - sum(usual)]] for of in map(rises.get, HIGH)]
    shown = [p < ALPHA for p in holm([float(stats.fisher_exact(t, alternative="greater").pvalue) for t in tables])]
    said = ", ".join(f"{sum(of)} of {len(of)} at {slope:g}" for slope, of in rises.items())
    reason = f"runs that diverge or whose training loss rises: {said}"
    none = not any(sum(rises[slope]) for slope in HIGH)
    verdict = "holds" if all(shown) else "holds in part" if any(shown) else "does not hold" if none else "undecided"
    return Verdict(verdict, reason, n=min(n), profile="laptop", hardware=hardware_of(used))


def unstable(record):
    """Whether a run diverged, or its training loss rose."""
    losses = record.curves["train_loss"]
    return record.status == "diverged" or any(b > a for a, b in pairwise(losses))


def too_low(evidence):
    """Whether units die at a small alpha: exactly, none can; nearly, compared with a larger one."""
    shares, used = {}, []
    for slope in (LOW, USUAL):
        shares[slope] = {}
        for layers in DEPTHS:
            for seed, record in evidence.records(DEEP, f"{layers} hidden layers", f"PLTanh, {slope:g}", "laptop").items():
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
    died = dead > 0 or (difference.p is not None and difference.p < ALPHA and difference.mean > 0)
    n = len({seed for seed, _ in shares[LOW]})
    return Verdict("holds" if died else "does not hold", reason, n=n, profile="laptop", hardware=hardware_of(used))
