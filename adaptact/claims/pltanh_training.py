"""Rules for the PLTanh paper's claims on accuracy, F1, and the choice of alpha, from five folds of each data set."""

from typing import NamedTuple

import numpy as np
import scipy

from ..data import SOURCES
from ..experiments import get
from ..experiments.pltanh import ALPHAS, RIVALS
from ..stats import Estimate, holm, paired
from .base import Verdict, hardware_of, stated
from .rules import FEW, TRAINED, decided

FOLDS, GRID = "pltanh/folds", "pltanh/alpha"
# The five data sets, each with what stands in for it where it is not to be had.
SETS = {
    "MNIST": ("mnist",),
    "Fashion-MNIST": ("fashion_mnist",),
    "flowers": ("flowers", "flowers_96"),
    "CIFAR-10": ("cifar10",),
    "histopathology": ("pcam", "pneumonia"),
}
OVERLAP = get(FOLDS).overlap
FOLDED = "t-tests paired by seed and fold ({alpha}, Holm, corrected for overlapping folds)"


class Comparison(NamedTuple):
    """Two rows on one data set: the mean difference, its corrected p-value, the profile, and the records that it rests on."""

    dataset: str
    rival: str
    difference: Estimate
    p: float
    profile: str
    records: list


def compared(evidence, row, rivals=RIVALS, metric="test_accuracy", profiles=TRAINED, otherwise="PLTanh"):
    """A row against others on the paper's data sets, last epochs, paired by seed and fold, each at its best profile.

    Parameters
    ----------
    evidence : Evidence
    row : str
    rivals : iterable of str
    metric : str
    profiles : iterable of str
    otherwise : str, optional
        The row that is taken where the first has no records; None to pass over the data set.

    Returns
    -------
    list of Comparison
        Of what has two pairs or more; p-values are Holm-corrected over all of them.
    """
    found = []
    for name, of in SETS.items():
        for rival in rivals:
            # At full scale a stand-in is no evidence on the set that it stands in for.
            tried = [(dataset, profile) for profile in profiles for dataset in (of[:1] if profile == "paper" else of)]
            for column, profile in [(SOURCES[dataset].title, profile) for dataset, profile in tried]:
                taken = _recorded(evidence, (row, otherwise), column, profile)
                if taken is None:
                    continue
                both = [evidence.scores(FOLDS, column, r, profile, "last", metric) for r in (taken, rival)]
                difference = paired(*both, overlap=OVERLAP)
                if difference is not None and difference.n >= FEW:
                    used = [r for x in (taken, rival) for r in evidence.records(FOLDS, column, x, profile).values()]
                    found.append(Comparison(name, rival, difference, difference.p, profile, used))
                    break
    corrected = holm([comparison.difference.p for comparison in found])
    return [comparison._replace(p=p) for comparison, p in zip(found, corrected, strict=True)]


def _recorded(evidence, rows, column, profile):
    """The first of some rows that has records on a data set; None if none has."""
    present = {(cell.row, cell.column) for cell in get(FOLDS).cells}
    has = (row for row in rows if (row, column) in present and evidence.records(FOLDS, column, row, profile))
    return next(has, None)


def _count(comparisons, alpha):
    shown = [c for c in comparisons if c.p is not None and c.p < alpha]
    return sum(c.difference.mean > 0 for c in shown), sum(c.difference.mean < 0 for c in shown)


def _common(comparisons):
    worst, best = (of(c.difference.mean for c in comparisons) for of in (min, max))
    profiles = {c.profile for c in comparisons}
    return {
        "ours": f"{signed(worst)} to {signed(best)}",
        "n": min(c.difference.n for c in comparisons),
        "profile": "paper" if profiles == {"paper"} else "laptop",
        "hardware": hardware_of(record for c in comparisons for record in c.records),
    }


def signed(value, digits=2):
    """A difference as text, with a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def nothing(experiment):
    return Verdict("undecided", f"no comparison has two records on each side yet; {experiment} makes them")


def gains(row="PLTanh, searched"):
    """Accuracy above each rival on each of the five data sets, by the printed range.

    A printed number is decided at the paper's scale; but where a row is significantly below there, and nowhere above, "above on
    all five" is refuted in our network.
    """

    @stated(
        f"at full scale accuracy is above each rival's on each of {len(SETS)} data sets by {FOLDED}; it falls there, if it is below"
        " some and above none",
        FOLDS,
    )
    def rule(evidence):
        every = compared(evidence, row)
        if not every:
            return nothing(FOLDS)
        full = compared(evidence, row, profiles=("paper",))
        yes, no = _count(every, evidence.alpha)
        total = len(SETS) * len(RIVALS)
        reason = f"of {total} comparisons {len(every)} are recorded: PLTanh is significantly above in {yes} and below in {no}"
        (up, down), sets = _count(full, evidence.alpha), len({c.dataset for c in full})
        if full:
            reason += f"; at full scale, on {sets} of {len(SETS)} data sets, above in {up} and below in {down} of {len(full)}"
        if len(full) == total:
            verdict = decided(up, down, total)
        else:
            verdict = "does not hold" if down and not up else "undecided"
            reason += "; the others are smaller" if full else "; a printed number is decided at the paper's scale"
        return Verdict(verdict, reason, **_common(full or every), waits="seeds" if len(full) == total else "scale")

    return rule


def consistently(metrics, row="PLTanh, searched"):
    """Macro metrics above each rival's on each data set."""

    @stated(f"each metric is above each rival's on each of {len(SETS)} data sets by {FOLDED}", FOLDS)
    def rule(evidence):
        by_metric = {metric: compared(evidence, row, metric=metric) for metric in metrics}
        if not any(by_metric.values()):
            return nothing(FOLDS)
        counts = {metric: _count(found, evidence.alpha) for metric, found in by_metric.items()}
        yes, no = (sum(count[side] for count in counts.values()) for side in (0, 1))
        made = sum(map(len, by_metric.values()))
        total = len(SETS) * len(RIVALS) * len(metrics)
        names = [metric.removeprefix("macro_").replace("f1", "F1") for metric in metrics]
        each = ", ".join(f"{name} {up} and {down}" for name, (up, down) in zip(names, counts.values(), strict=True))
        reason = f"of {made} comparisons {yes} are significantly above and {no} below ({each})"
        if made < total:
            reason += f"; {total - made} are not recorded"
        return Verdict(decided(yes, no, total), reason, **_common(by_metric[metrics[-1]]))

    return rule


def reported(datasets, row, printed, experiment=FOLDS, tolerance=1.0):
    """A number of a third-party summary, which records at the paper's scale decide within a point; others are shown beside it."""

    @stated(
        f"at the paper's scale our mean is within {tolerance:g} point of {printed:g} %, or its {{interval}} holds it",
        experiment,
    )
    def rule(evidence):
        for profile in TRAINED:
            for dataset in datasets if profile != "paper" else datasets[:1]:
                column, stand_in = SOURCES[dataset].title, dataset != datasets[0]
                try:
                    records = evidence.records(experiment, column, row, profile)
                except KeyError:
                    continue
                values = evidence.scores(experiment, column, row, profile, "last")
                if len(values) < FEW:
                    continue
                ours = evidence.estimate(list(values.values()), overlap=OVERLAP)
                common = {"ours": f"{ours.mean:.2f} %", "interval": (round(ours.low, 2), round(ours.high, 2)), "n": ours.n}
                common |= {"profile": profile, "hardware": hardware_of(records.values())}
                if profile != "paper":
                    what = f"on the stand-in {column}" if stand_in else f"at {profile} scale"
                    reason = f"only records {what} are there, which cannot decide a printed number"
                    return Verdict("undecided", reason, **common, waits="scale")
                near = abs(ours.mean - printed) <= max(tolerance, ours.high - ours.mean)
                reason = f"ours is {abs(ours.mean - printed):.2f} points away; the network is our guess"
                return Verdict("holds" if near else "undecided", reason, **common, waits="source")
        return nothing(experiment)

    return rule


@stated(f"the searched alpha is above 0.01 on each of {len(SETS)} data sets by {FOLDED}", FOLDS)
def tuned(evidence):
    """The searched alpha against 0.01, on each data set."""
    found = compared(evidence, "PLTanh, searched", ["PLTanh"], otherwise=None)
    if not found:
        return nothing(FOLDS)
    yes, no = _count(found, evidence.alpha)
    said = "; ".join(f"{c.dataset} {signed(c.difference.mean)}" for c in found)
    reason = f"searched less 0.01 is significantly above on {yes} and below on {no} of {len(found)} data sets ({said})"
    return Verdict(decided(yes, no, len(SETS)), reason, **_common(found))


@stated(f"on some data set its own best alpha is above the one that is best on all, by {FOLDED}", GRID)
def one_alpha(evidence):
    """Whether the best alpha of one data set is worse than another's best on that other: a grid on the same folds."""
    by_set, used = {}, []
    for of in SETS.values():
        for dataset in of:
            column = SOURCES[dataset].title
            scores = {a: evidence.scores(GRID, column, f"PLTanh, {a:g}", "laptop", "last") for a in ALPHAS}
            scores = {a: values for a, values in scores.items() if len(values) >= FEW}
            if len(scores) > 1:
                by_set[column] = scores
                used += [r for a in scores for r in evidence.records(GRID, column, f"PLTanh, {a:g}", "laptop").values()]
                break
    if len(by_set) < 2:
        return nothing(GRID)
    shared = set.intersection(*(set(scores) for scores in by_set.values()))
    # The one alpha that does best on all sets together, each set's scores taken relative to its own spread over alphas.
    means = {column: {a: np.mean(list(scores[a].values())) for a in scores} for column, scores in by_set.items()}
    rank = {
        a: np.mean([scipy.stats.rankdata(list(of.values()))[list(of).index(a)] / len(of) for of in means.values()]) for a in shared
    }
    common = max(sorted(shared), key=rank.__getitem__)
    best = {column: max(of, key=of.__getitem__) for column, of in means.items()}
    losses = {c: paired(by_set[c][best[c]], by_set[c][common], overlap=OVERLAP) for c in by_set if best[c] != common}
    worse = [c for c, shown in zip(losses, evidence.significant([of.p for of in losses.values()]), strict=True) if shown]
    said = ", ".join(f"{column} {a:g}" for column, a in best.items())
    reason = f"best of the grid: {said}; against the one alpha {common:g} a set's own best is significantly better on {len(worse)}"
    reason += f" of {len(by_set)} sets"
    verdict = "holds" if worse else "undecided"
    ours = f"best alpha {min(best.values()):g} to {max(best.values()):g}"
    n = min(len(values) for scores in by_set.values() for values in scores.values())
    return Verdict(verdict, reason, ours, n=n, profile="laptop", hardware=hardware_of(used))
