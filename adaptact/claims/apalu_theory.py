"""Rules for the APALU paper's claims of theory: gradients that do not vanish, approximation, and convergence."""

import numpy as np
import torch

from .. import activations, data
from ..data import SOURCES
from ..experiments.apalu import FIVE, RIVALS
from ..experiments.apalu_theory import CURVES, LOWER, LOWER_RATE, RATE, WIDTHS, depth_column, width_column
from ..experiments.pltanh import DEPTHS
from .base import Verdict, hardware_of, stated
from .gradients import keeps_more, shown, trains_better
from .rules import FEW, decided

KNOWN, DEEP = "apalu/approximation", "apalu/depth"
# Ours; both are shares of a curve's standard deviation, which is the error of the best constant.
SMALL = 0.1  # an error below it is small: at most a hundredth of the variance is left
SETTLED = 0.01  # a training has settled if the root of its loss moves by no more from one tenth of the epochs to the next
FAR = 1e6  # where it is seen that a function grows otherwise to the left than to the right

FUNCTIONS = {
    row: (of["activation"], of.get("options", {}) | ({"granularity": of["granularity"]} if "granularity" in of else {}))
    for row, of in FIVE.items()
}
flows = keeps_more(FUNCTIONS, "APALU")
trains = trains_better(DEEP, [(depth_column(n), "APALU", rival) for rival in RIVALS for n in DEPTHS], "APALU")


@stated("APALU is continuous at 0 and no polynomial: far out its sizes to the left and right differ by a factor of 2", "calculus")
def theorem(evidence):
    """What the theorem of Leshno et al. (1993) asks for: a continuous function that is no polynomial.

    The sizes of a polynomial at -x and x have a ratio that goes to 1 as x grows.
    """
    x = torch.tensor([[-FAR], [-1e-12], [1e-12], [FAR]], dtype=torch.float64)
    fits = []
    for row, (name, options) in FUNCTIONS.items():
        left, below, above, right = activations.make(name, (1,), **options).double()(x).detach().flatten().tolist()
        if abs(above - below) < 1e-9 and abs(left / right) < 0.5:
            fits.append(row)
    reason = f"a continuous function that is no polynomial is enough; such are {', '.join(fits) or 'none'}"
    return Verdict("holds" if "APALU" in fits else "does not hold", reason, profile="computed")


def error(record):
    """The test error of a run on a curve, over the curve's deviation: the median of the last tenth of the epochs, else None."""
    if record.status != "done":
        return None
    errors = record.curves["test_rmse"]
    return float(np.median(errors[-max(1, len(errors) // 10) :])) / deviation(record.run.dataset)


def drift(record):
    """By how much the root of the training loss moved between the last two tenths of the epochs, over the deviation.

    Above zero it rose; infinite if the run diverged.
    """
    if record.status != "done":
        return np.inf
    losses = record.curves["train_loss"]
    tenth = max(1, len(losses) // 10)
    before, last = np.mean(losses[-2 * tenth : -tenth] or losses[-tenth:]), np.mean(losses[-tenth:])
    return float(np.sqrt(last) - np.sqrt(before)) / deviation(record.run.dataset)


def deviation(dataset):
    """The standard deviation of a curve's values over its test points."""
    return float(data.load(dataset).test_labels.double().std(correction=0))


def orders(evidence, dataset, width, row):
    """Errors by seed, as in `error`, as powers of ten, without diverged runs."""
    records = evidence.records(KNOWN, width_column(dataset, width), row, "paper")
    return {seed: float(np.log10(error(record))) for seed, record in records.items() if error(record) is not None}


@stated(
    f"on each curve the widest network's error is below {100 * SMALL:g} % of the best constant's with its {{interval}}, and fell"
    " from the narrowest's (paired t-tests, {alpha}, Holm) or was small there too",
    KNOWN,
)
def approximates(evidence):
    """The error of the widest network is small, and below that of the narrowest unless that is small already.

    Intervals over seeds of the mean logarithm; the falls are paired by seed and corrected over the curves.
    """
    ends, falls, used = {}, {}, []
    for dataset in CURVES:
        first, last = (orders(evidence, dataset, width, "APALU") for width in (WIDTHS[0], WIDTHS[-1]))
        fall = evidence.paired(first, last)
        if fall is not None and fall.n >= FEW:
            falls[dataset], ends[dataset] = fall, [evidence.estimate(list(of.values())) for of in (first, last)]
            for width in WIDTHS:
                used += evidence.records(KNOWN, width_column(dataset, width), "APALU", "paper").values()
    if not falls:
        return Verdict("undecided", f"no curve has records of two seeds at both widths yet; {KNOWN} makes them")
    significant = dict(zip(falls, evidence.significant([fall.p for fall in falls.values()]), strict=True))
    limit, fell, yes, no = np.log10(SMALL), 0, 0, 0
    for dataset, fall in falls.items():
        start, end = ends[dataset]
        fell += significant[dataset] and fall.mean > 0
        learned = end.high < limit and ((significant[dataset] and fall.mean > 0) or start.high < limit)
        yes += learned
        no += not learned and (end.low > limit or (significant[dataset] and fall.mean < 0))
    of = {dataset: f"{100 * 10**end.mean:.1f} %" for dataset, (_, end) in ends.items()}
    said = ", ".join(f"{SOURCES[dataset].title} {value}" for dataset, value in of.items())
    reason = (
        f"with {WIDTHS[-1]} units the error, as a share of the best constant's, is {said}: below {100 * SMALL:.0f} % with the whole"
    )
    reason += f" interval, and below that of {WIDTHS[0]} units or small there too, for {yes} of {len(CURVES)} curves; it fell"
    reason += f" significantly for {fell}"
    for suffix, rate in (("", RATE), (LOWER, LOWER_RATE)):
        better, worse, total = beside(evidence, suffix)
        if total:
            reason += f"; beside the rivals at a rate of {rate:g} it is significantly smaller in {better} and larger in {worse} of"
            reason += f" {total} comparisons"
    n = min(fall.n for fall in falls.values())
    verdict = decided(yes, no, len(CURVES))
    return Verdict(verdict, reason, " / ".join(of.values()), n=n, profile="paper", hardware=hardware_of(used))


def beside(evidence, suffix="", width=WIDTHS[-1]):
    """In how many comparisons with a rival on a curve APALU's error is significantly smaller, larger, and how many there are."""
    found = []
    for dataset in CURVES:
        own = orders(evidence, dataset, width, f"APALU{suffix}")
        found += [evidence.paired(orders(evidence, dataset, width, f"{rival}{suffix}"), own) for rival in RIVALS]
    found = [difference for difference in found if difference is not None and difference.n >= FEW]
    return (*shown(evidence, found), len(found))


@stated(
    f"from the last but one tenth of the epochs to the last the root of each training's loss moves by at most {100 * SETTLED:g} %"
    " of the best constant's error; against it speaks a rise",
    KNOWN,
)
def settles(evidence):
    """No training with APALU diverges, and at the end of each the loss moves no more; a loss that rises speaks against it."""
    drifts, used = {}, []
    for row in FIVE:
        for dataset in CURVES:
            for width in WIDTHS:
                records = evidence.records(KNOWN, width_column(dataset, width), row, "paper")
                drifts.setdefault(row, []).extend(map(drift, records.values()))
                used += records.values() if row == "APALU" else []
    own = np.array(drifts["APALU"])
    if len(own) < FEW:
        return Verdict("undecided", f"no training with APALU is recorded yet; {KNOWN} makes them")
    diverged, yes, no = int(np.isinf(own).sum()), int((abs(own) <= SETTLED).sum()), int((own > SETTLED).sum())
    within = {row: f"{int((abs(np.array(of)) <= SETTLED).sum())} of {len(of)}" for row, of in drifts.items() if of}
    others = ", ".join(f"{row} {said}" for row, said in within.items() if row != "APALU")
    reason = f"{diverged} of {len(own)} trainings diverge; from the last but one tenth of the epochs to the last"
    reason += f" the root of the loss stays within {100 * SETTLED:.0f} % of the best constant's error in {yes},"
    reason += f" falls further in {len(own) - yes - no} and rises in {no - diverged}; it stays so with {others or 'no other yet'}"
    n = len({record.run.seed for record in used})
    return Verdict(decided(yes, no, len(own)), reason, f"{yes} of {len(own)}", n=n, profile="paper", hardware=hardware_of(used))
