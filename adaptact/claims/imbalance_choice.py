"""Rules for claims on which function to choose under class imbalance: is one reliable, and does the best one depend on the case?"""

from itertools import combinations

import numpy as np
import pandas as pd
import scipy

from ..experiments.imbalance import ARTICLES, RATIOS, network_column, ratio_column
from ..stats import holm
from .base import Verdict, hardware_of, stated
from .contrasts import ENOUGH, PROFILE, beyond, judged, signed, values
from .imbalance_measures import CONDITIONS, DEEP_BOTH, OTHER_SETS, POINTS, RARE, RELIABLE, macro_f1, place, pr_auc
from .rules import PAIRED, decided


def scores(evidence, where, measure, rows=ARTICLES):
    """A measure of some functions under one condition, of the seeds that all have.

    Returns
    -------
    dict of str to array or None
        None if fewer than `ENOUGH` seeds are shared.
    """
    found = {row: values(evidence, place(where, row), measure) for row in rows}
    seeds = sorted(set.intersection(*map(set, found.values())))
    return {row: np.array([of[seed] for seed in seeds]) for row, of in found.items()} if len(seeds) >= ENOUGH else None


def _scored(evidence, conditions, measure):
    found = {label: scores(evidence, where, measure) for label, where in conditions.items()}
    return {label: of for label, of in found.items() if of is not None}


def _best(of, rows=None):
    return max(rows or of, key=lambda row: of[row].mean())


def _tests(conditions):
    return [experiment for experiment, _ in conditions.values()]


def _common(evidence, conditions, found, rows=ARTICLES):
    used = [r for label in found for row in rows for r in evidence.records(*conditions[label], row, PROFILE).values()]
    n = min(len(next(iter(of.values()))) for of in found.values())
    return {"n": n, "profile": PROFILE, "hardware": hardware_of(used)}


def _nothing(conditions):
    names = ", ".join(dict.fromkeys(experiment for experiment, _ in conditions.values()))
    return Verdict("undecided", f"no condition has records of {ENOUGH} seeds of all functions yet; {names} makes them")


@stated(
    f"each pick is less than {POINTS:g} points of macro-F1 below the best other function under each condition by {PAIRED}",
    *_tests(CONDITIONS),
)
def reliable(evidence):
    """Each of the article's picks is nowhere more than `POINTS` of macro-F1 below the best other function that it names."""
    found = _scored(evidence, CONDITIONS, macro_f1)
    if not found:
        return _nothing(CONDITIONS)
    labels, samples = [], []
    for label, of in found.items():
        for row in RELIABLE:
            labels.append(f"{row} ({label})")
            samples.append(of[row] - of[_best(of, [other for other in of if other != row])])
    yes, no = judged(samples, -POINTS, -POINTS, evidence.alpha)
    below = [label for label, n in zip(labels, no, strict=True) if n]
    worst = signed(min(sample.mean() for sample in samples), 1)
    total = len(CONDITIONS) * len(RELIABLE)
    reason = f"of {total} comparisons with the best other function {sum(yes)} are less than {POINTS:g} points below it"
    reason += f" and {sum(no)} more; the worst mean is {worst} points"
    reason += f"; far below it {', '.join(below)}" if below else ""
    return Verdict(decided(sum(yes), sum(no), total), reason, f"{worst} at worst", **_common(evidence, CONDITIONS, found))


@stated(f"without a remedy Swish is below the best pick in PR-AUC in each case by {PAIRED}", *_tests(RARE | OTHER_SETS))
def not_alone(evidence):
    """Without a remedy, Swish is below the best of the article's picks in PR-AUC."""
    conditions = RARE | OTHER_SETS
    found = _scored(evidence, conditions, pr_auc)
    if not found:
        return _nothing(conditions)
    samples = [of[_best(of, RELIABLE)] - of["Swish"] for of in found.values()]
    yes, no = judged(samples, alpha=evidence.alpha)
    said = ", ".join(f"{label} {signed(-sample.mean(), 1)}" for label, sample in zip(found, samples, strict=True))
    reason = f"Swish alone is below the best of ReLU, its variants and ELU in {sum(yes)} and above it in {sum(no)} of"
    reason += f" {len(conditions)} cases (points of PR-AUC: {said})"
    return Verdict(decided(sum(yes), sum(no), len(conditions)), reason, **_common(evidence, conditions, found))


def interacts(found):
    """The p-value of an analysis of variance with repeated measures: does the function matter otherwise in another condition?

    Parameters
    ----------
    found : dict of str to dict of str to array
        By condition and function, over the same seeds.
    """
    from statsmodels.stats.anova import AnovaRM  # here, since it takes a second to import

    count = min(len(sample) for of in found.values() for sample in of.values())
    lines = [
        {"seed": number, "condition": label, "function": row, "value": sample[number]}
        for label, of in found.items()
        for row, sample in of.items()
        for number in range(count)
    ]
    fitted = AnovaRM(pd.DataFrame(lines), "value", "seed", within=["function", "condition"]).fit()
    return float(fitted.anova_table.loc["function:condition", "Pr > F"])


def depends(conditions, measure, unit):
    """The best function under one condition is beaten by another under a second one, and the other way round.

    Parameters
    ----------
    conditions : dict of str to tuple
    measure : callable
    unit : str

    Returns
    -------
    callable
        Its verdict: *holds* if in some two conditions the best functions differ and each is significantly above the other in its
        own, by paired t-tests corrected over both ends of all such pairs; else *does not hold* if one function is nowhere
        `POINTS` below the best other one, significantly; else *holds in part* if an analysis of variance finds an interaction;
        else *undecided*.
    """

    @stated(
        f"in some two conditions the best functions differ, each above the other in its own by {PAIRED}; it falls, if one function"
        f" is nowhere {POINTS:g} points below the best; in part, if an analysis of variance finds an interaction ({{alpha}})",
        *_tests(conditions),
    )
    def rule(evidence):
        found = _scored(evidence, conditions, measure)
        if len(found) < len(conditions):
            return _nothing(conditions)
        best = {label: _best(of) for label, of in found.items()}
        turned = [(a, b) for a, b in combinations(found, 2) if best[a] != best[b]]
        tests = [
            beyond(found[at][best[at]] - found[at][best[other]], 0, "greater") for a, b in turned for at, other in ((a, b), (b, a))
        ]
        corrected = holm(tests)
        crossed = [pair for n, pair in enumerate(turned) if max(corrected[2 * n : 2 * n + 2]) < evidence.alpha]
        gaps = {
            row: [of[row] - of[_best(of, [other for other in of if other != row])] for of in found.values()] for row in ARTICLES
        }
        steady = [row for row, samples in gaps.items() if all(judged(samples, -POINTS, alpha=evidence.alpha)[0])]
        p = interacts(found)
        said = ", ".join(f"{row} at {label}" for label, row in best.items())
        reason = f"best by the mean of {unit}: {said}; {len(crossed)} of {len(turned)} pairs of conditions with other best ones are"
        reason += (
            f" significant at both ends; functions never {POINTS:g} points below the best other: {', '.join(steady) or 'none'};"
        )
        reason += f" interaction of function and condition p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
        if crossed:
            verdict = "holds"
        elif steady:
            verdict = "does not hold"
        else:
            verdict = "holds in part" if p < evidence.alpha else "undecided"
        return Verdict(verdict, reason, **_common(evidence, conditions, found))

    return rule


on_the_network = depends(
    {name: ("imbalance/networks", network_column(name)) for name in ("MLP", "CNN")}, macro_f1, "macro-F1 at 1:50"
)
on_the_ratio = depends({ratio_column(ratio): ("imbalance/ratios", ratio_column(ratio)) for ratio in RATIOS}, macro_f1, "macro-F1")


def varies_less(row, base):
    """The macro-F1 of a function varies less over seeds than that of another: Levene's test, at each depth and ratio."""

    @stated("its macro-F1 varies less over seeds at each depth and ratio (Levene's test, {alpha}, Holm)", *_tests(DEEP_BOTH))
    def rule(evidence):
        labels, ratios, tests = [], [], {"less": [], "greater": []}
        for label, where in DEEP_BOTH.items():
            of = scores(evidence, where, macro_f1, (row, base))
            if of is None:
                continue
            labels.append(label)
            ratios.append(of[row].std(ddof=1) / max(of[base].std(ddof=1), 1e-9))
            p = float(scipy.stats.levene(of[row], of[base]).pvalue)
            for side in tests:
                tests[side].append(p if (ratios[-1] < 1) == (side == "less") else 1.0)
        if not labels:
            return _nothing(DEEP_BOTH)
        yes, no = (sum(evidence.significant(tests[side])) for side in ("less", "greater"))
        said = ", ".join(f"{label} {ratio:.1f}" for label, ratio in zip(labels, ratios, strict=True))
        reason = f"its deviation over seeds is smaller in {yes} and larger in {no} of {len(DEEP_BOTH)} comparisons (over {base}'s:"
        reason += f" {said})"
        found = {label: scores(evidence, DEEP_BOTH[label], macro_f1, (row, base)) for label in labels}
        return Verdict(decided(yes, no, len(DEEP_BOTH)), reason, **_common(evidence, DEEP_BOTH, found, (row, base)))

    return rule
