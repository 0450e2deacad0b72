"""The claims of the weighted-sum paper (Bansal 2022, arXiv 2202.12065): its table, what it reads in it, and two properties."""

import numpy as np
import scipy
import torch

from ..activations.weighted_sum import weighted_sum
from ..experiments import get
from ..experiments.weighted_sum import published, published_name
from ..stats import estimate
from .base import ALPHA, Claim, Verdict, hardware_of, stated
from .rules import FEW, TRAINED, decided, parts

TABLE = "weighted_sum/table-1"
EQUAL, RANDOM = "weighted sum", "weighted sum, random start"
SMALL = 0.25  # PReLU's usual start; a negative slope above it is not called small
LARGE = 50.0  # an input that is large beside those that reach a site, which end at about 15


def claims():
    """The five claims.

    Returns
    -------
    list of Claim
    """
    table = "sums to one within rounding; heads of the columns inferred from the text"
    return [
        Claim(
            "ws-coefficients",
            "weighted_sum",
            "Table 1",
            "value",
            "the learned coefficients of ReLU, tanh and sin, three data sets by three layers, are the printed ones",
            coefficients_agree,
            published=f"27 numbers, 0.009 to 0.917; {table}",
        ),
        Claim(
            "ws-first-relu",
            "weighted_sum",
            "section 3",
            "order",
            "in the first layer ReLU has the largest coefficient on every data set",
            parts({"from equal starts": first_relu(EQUAL), "from random starts": first_relu(RANDOM)}),
            published="on 3 of 3 data sets, in one run each",
        ),
        Claim(
            "ws-deeper-convergent",
            "weighted_sum",
            "section 3",
            "order",
            "in layers 2 and 3 ReLU's coefficient is smaller than those of both others",
            parts({"below both": deeper(np.min), "below one of them": deeper(np.max)}),
            published="below both in 1 of 6 rows, below one of them in 6 of 6",
            note="the printed table breaks the sentence in five of six rows; the weaker reading holds in all six",
        ),
        Claim(
            "ws-leaky",
            "weighted_sum",
            "eqs 20, 21",
            "property",
            "near zero the weighted sum is a Leaky ReLU with a small negative slope",
            parts({"a line on each side": nearly_linear, "a small slope on the negative side": small_slope}),
            published="an arbitrary small constant",
        ),
        Claim(
            "ws-relu-dominates",
            "weighted_sum",
            "section 3, Fig. 2",
            "property",
            "for large inputs ReLU dominates the sum",
            parts({"positive inputs": dominates(LARGE), "negative inputs": dominates(-LARGE)}),
        ),
    ]


def learned(evidence, row, profile):
    """The coefficients that a row of the table ended with.

    Returns
    -------
    dict of (str, int) to dict of int to dict of str to float
        By data set and layer, then seed, then function. Where KMNIST itself is not recorded, those of its stand-in.
    list of Record
        That they are of.
    """
    found, used = {}, []
    for column in dict.fromkeys(cell.column for cell in get(TABLE).cells):
        of = evidence.records(TABLE, column, row, profile)
        if len(of) < FEW or any(name == published_name(column) for name, _ in found):
            continue
        used += of.values()
        for seed, record in of.items():
            for layer, shape in enumerate(record.shapes.values(), start=1):
                ends = {function: rows[-1][3] for function, rows in shape["quantiles"].items()}
                found.setdefault((published_name(column), layer), {})[seed] = ends
    return found, used


def _best(evidence, row):
    """`learned` at the first profile that has all three data sets, and what verdicts on it have in common."""
    for profile in TRAINED:
        found, used = learned(evidence, row, profile)
        if len(found) == len(published()):
            n = min(map(len, found.values()))
            return found, {"n": n, "profile": profile, "hardware": hardware_of(used)}, _stand_in(used)
    return None, {}, ""


def _stand_in(used):
    stand_in = any(record.run.dataset == "kmnist_split" for record in used)
    return ", KMNIST by a split of its test images" if stand_in else ""


def _nothing():
    return Verdict("undecided", f"not all three data sets have records of two seeds; {TABLE} makes them")


@stated(
    "at the paper's scale each printed coefficient lies where one more run would, in its {interval}; in part, if half do;"
    " undecided, if those of random starts hold half",
    TABLE,
)
def coefficients_agree(evidence):
    """In how many cells the printed coefficient lies where another run of ours would, with 95 % probability."""
    found, common, stand_in = _best(evidence, EQUAL)
    if found is None:
        return _nothing()
    equal, total = _cells_inside(found, evidence.alpha), 3 * len(published())
    reason = f"from equal starts the printed number lies in the interval of one more run in {equal} of {total} cells{stand_in}"
    at_random, other, _ = _best(evidence, RANDOM)
    wide = 0
    if at_random is not None:
        wide = _cells_inside(at_random, evidence.alpha)
        reason += f"; from random starts ({other['profile']}), whose intervals are wide, in {wide}: what the paper starts from is"
        reason += " not in the text available to us"
    common["ours"] = f"{equal} of {total} agree"
    if common["profile"] != "paper":
        return Verdict("undecided", f"a printed number is decided at the paper's scale, here: {reason}", **common, waits="scale")
    if 2 * equal >= total:
        return Verdict("holds" if equal == total else "holds in part", reason, **common)
    # Where another start may give almost any table, another table does not refute the printed one.
    return Verdict("undecided" if 2 * wide >= total else "does not hold", reason, **common, waits="source")


def _cells_inside(found, alpha):
    return sum(inside(found[cell].values(), printed, alpha) for cell, printed in published().items())


def inside(runs, printed, alpha=ALPHA):
    """How many of the printed coefficients lie in the prediction interval for one more run, of 95 % unless asked otherwise."""
    runs, count = list(runs), 0
    for function, value in printed.items():
        ours = np.array([run[function] for run in runs])
        half = scipy.stats.t.ppf(1 - alpha / 2, len(ours) - 1) * ours.std(ddof=1) * np.sqrt(1 + 1 / len(ours))
        count += abs(value - ours.mean()) <= half
    return int(count)


def _ordered(evidence, row, layers, margin, words):
    """A verdict on a margin that is positive where the claim is true of a run: a t-test a data set and layer, corrected."""
    found, common, stand_in = _best(evidence, row)
    if found is None:
        return _nothing()
    margins = [[margin(run) for run in of.values()] for (_, layer), of in found.items() if layer in layers]
    estimates = [estimate(values, test=True) for values in margins]
    shown = evidence.significant([found.p for found in estimates])
    yes, no = (sum(s and sign * found.mean > 0 for s, found in zip(shown, estimates, strict=True)) for sign in (1, -1))
    runs = [value > 0 for values in margins for value in values]
    sets = "data sets" if len(layers) == 1 else "data sets and layers"
    reason = f"ReLU is {words} in {sum(runs)} of {len(runs)} runs{stand_in}"
    reason += f"; shown on {yes} of {len(margins)} {sets}, its opposite on {no}"
    return Verdict(decided(yes, no, len(margins)), reason, f"{sum(runs)} of {len(runs)} runs", **common)


def first_relu(row):
    """ReLU's coefficient less the larger of the others, in the first layer."""

    @stated("ReLU's coefficient is the largest on each data set by t-tests over seeds ({alpha}, Holm)", TABLE)
    def rule(evidence):
        return _ordered(evidence, row, (1,), lambda run: run["relu"] - max(run["tanh"], run["sin"]), "the largest")

    return rule


def deeper(of_both):
    """The smaller or the larger of the others less ReLU's coefficient, in layers 2 and 3, from equal starts."""
    words = "below both" if of_both is np.min else "below one of them"

    @stated(f"ReLU's coefficient is {words} on each data set and layer by t-tests over seeds ({{alpha}}, Holm)", TABLE)
    def rule(evidence):
        return _ordered(evidence, EQUAL, (2, 3), lambda run: of_both([run["tanh"], run["sin"]]) - run["relu"], words)

    return rule


@stated("for |x| up to 0.5 the printed mixtures are within 0.05 of one", "calculus")
def nearly_linear(evidence):
    """How far the nine printed mixtures are from a line on each side of zero, for inputs up to 0.5."""
    x = torch.linspace(-0.5, 0.5, 1001, dtype=torch.float64)
    distance = 0.0
    for printed in published().values():
        line = torch.where(x > 0, sum(printed.values()) * x, (printed["tanh"] + printed["sin"]) * x)
        distance = max(distance, (_mixture(x, printed) - line).abs().max().item())
    reason = f"for |x| up to 0.5 the nine printed mixtures are within {distance:.3f} of one"
    return Verdict("holds" if distance < 0.05 else "does not hold", reason, profile="computed")


@stated(f"in each printed mixture it is at most {SMALL:g}, PReLU's usual start", "calculus")
def small_slope(evidence):
    """The slope on the negative side of zero, by autograd."""
    slopes = []
    for printed in published().values():
        x = torch.tensor([-1e-6], dtype=torch.float64, requires_grad=True)
        slopes.append(torch.autograd.grad(_mixture(x, printed).sum(), x)[0].item())
    reason = f"it is the sum of the coefficients of tanh and sin, in the printed table {min(slopes):.2f} to {max(slopes):.2f}"
    reason += f"; small would be {SMALL} or less"
    return Verdict("holds" if max(slopes) <= SMALL else "does not hold", reason, profile="computed")


def dominates(x):
    """Whether ReLU's term is more than half of the terms' absolute values in each printed mixture."""

    @stated(f"at {x:g} ReLU's term is more than half of all in each printed mixture".replace("-", "−"), "calculus")
    def rule(evidence):
        shares = []
        for printed in published().values():
            terms = [printed["relu"] * max(x, 0), printed["tanh"], printed["sin"]]  # tanh and sin are at most 1
            shares.append(terms[0] / sum(terms))
        ends = [(1 - printed["relu"]) / printed["relu"] for printed in published().values()]
        reason = "ReLU is zero there, and the size of the sum is at most the coefficients of tanh and sin together"
        if x > 0:
            reason = f"at {x:g} ReLU's term is at least {100 * min(shares):.0f} % of all, and it surpasses all that tanh and sin"
            reason += f" can give from an input of {min(ends):.1f} to {max(ends):.0f} on, by the data set and layer"
        return Verdict("holds" if min(shares) > 0.5 else "does not hold", reason, profile="computed")

    return rule


def _mixture(x, printed):
    return weighted_sum(x, torch.tensor(list(printed.values()), dtype=torch.float64))
