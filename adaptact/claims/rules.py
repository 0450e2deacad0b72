"""Rules that several claims share: each makes a function from an `Evidence` to a `Verdict`, stated in a sentence."""

import numpy as np
import scipy

from ..experiments import get
from .base import Verdict, deviations, hardware_of, stated

TRAINED = ("paper", "laptop")  # the profiles whose records are evidence, the better first
FEW = 2  # seeds that a comparison must have
# In this order records are looked for: the better scale decides if it has enough seeds, else the other; then any will do.
SCALES = tuple((least, profile) for least in (FEW, 1) for profile in TRAINED)
PAIRED = "paired t-tests over seeds ({alpha}, Holm)"  # how most rules state their test


def better(pairs, *, worse=False, selection="best_test"):
    """Each row is above its base, or below it: a paired t-test over seeds for each, corrected over all of them.

    Parameters
    ----------
    pairs : list of Pair
    worse : bool, default False
        Whether the claim is that each row is below its base.
    selection : {"best_test", "last"}
        The epoch that is compared: what the paper prints, or where it does not say, one that no test image has chosen.

    Returns
    -------
    callable
        Its verdict: *holds* when all comparisons show it; *does not hold* when some show the opposite and none shows it;
        *holds in part* when both happen, when at least half show it and the rest are open, or when none shows the opposite
        and the average of several is on the right side with its whole interval; else *undecided*.
    """

    side = "below" if worse else "above"

    @stated(
        f"each row is {side} its base by {PAIRED}; in part, if the average of all is, with its whole {{interval}}", *_tests(pairs)
    )
    def rule(evidence):
        profile, compared = _compared(evidence, pairs, selection)
        if profile is None:
            return _nothing(pairs)
        estimates = [evidence.paired(*values) for values in compared]
        shown = evidence.significant([found and found.p for found in estimates])
        sign = -1 if worse else 1
        right = [s and sign * found.mean > 0 for s, found in zip(shown, estimates, strict=True)]
        wrong = [s and sign * found.mean < 0 for s, found in zip(shown, estimates, strict=True)]
        word, other = ("below", "above") if worse else ("above", "below")
        return _verdict(evidence, pairs, compared, profile, right, wrong, (f"{word} the base", f"{other} it"), sign)

    return rule


def level(pairs, *, or_better=False):
    """Each row stays level with its base: the difference is smaller than what another seed makes.

    The margin is the standard deviation over seeds of one row's accuracy, pooled over all rows of the claim. Each pair is
    put to a paired equivalence test (two one-sided t-tests), corrected over all of them.

    Parameters
    ----------
    pairs : list of Pair
    or_better : bool, default False
        Whether being above the base by any amount is as good.

    Returns
    -------
    callable
        Its verdict is as that of `better`: a pair that is level shows the claim, one whose difference is significantly
        beyond the margin shows the opposite.
    """

    near = "is less than {margin} below its base" if or_better else "is within {margin} of its base"

    @stated(f"each row {near}, pooled over all rows, by paired equivalence tests ({{alpha}}, Holm)", *_tests(pairs))
    def rule(evidence):
        profile, compared = _compared(evidence, pairs)
        if profile is None:
            return _nothing(pairs)
        margin = evidence.margin * seed_deviation([list(values.values()) for both in compared for values in both])
        tests = [_beside(both, margin, or_better) for both in compared]
        right, wrong = (evidence.significant(ps) for ps in zip(*tests, strict=True))
        margins = f"less than {margin:.2f} points below the base" if or_better else f"within {margin:.2f} points of each other"
        margins += f" ({deviations(evidence.margin)})"
        return _verdict(evidence, pairs, compared, profile, right, wrong, (margins, "significantly farther apart"))

    return rule


def printed_gain(pair, published):
    """A printed difference between two rows, which records of the paper profile alone can decide.

    Parameters
    ----------
    pair : Pair
    published : float
        Points.

    Returns
    -------
    callable
        Its verdict: *holds* when the interval over at least two seeds holds the printed number; *holds in part* when the
        difference has its sign but another size; *does not hold* when its sign is significantly the other.
    """

    @stated(
        f"at the paper's scale the {{interval}} holds the printed {published:+.2f} points; in part, if it has the sign alone",
        pair.experiment,
    )
    def rule(evidence):
        ours = {profile: evidence.paired(*_both(evidence, pair, profile)) for profile in TRAINED}
        profile = next((name for name in TRAINED if ours[name]), None)
        if profile is None:
            return _nothing([pair])
        found, interval = ours[profile], _interval(ours[profile])
        common = {"ours": _points(found), "interval": interval, "n": found.n, "profile": profile}
        common["hardware"] = hardware_of(_records(evidence, [pair], profile))
        if profile != "paper":
            reason = f"a printed number is decided at the paper's scale, and only {profile} records are there"
            reason = f"{reason}: {_points(found)} points after {_epochs(evidence, pair, profile)}"
            return Verdict("undecided", reason, **common, waits="scale")
        if interval is None:
            return Verdict("undecided", "one seed has no interval", **common)
        low, high = interval
        if low <= published <= high:
            return Verdict("holds", f"the interval holds the printed {published:+.2f}", **common)
        if (low > 0) if published > 0 else (high < 0):
            return Verdict("holds in part", f"of the same sign, but not of the printed size {published:+.2f}", **common)
        if (high < 0) if published > 0 else (low > 0):
            return Verdict("does not hold", "the difference is of the other sign", **common)
        return Verdict("undecided", "the interval holds zero, but not the printed number", **common)

    return rule


def parts(named):
    """A claim of several parts.

    Parameters
    ----------
    named : dict of str to callable
        A rule by what it decides.

    Returns
    -------
    callable
        Its verdict: that of all parts where they agree; *does not hold* when a part fails and none holds; *undecided* when
        no part is decided; else *holds in part*. Profile, n and hardware are those of the first part with records; so is
        the value.
    """

    by_sentence = {}
    for name, part in named.items():
        by_sentence.setdefault(getattr(part, "says", ""), []).append(name)
    sentences = "; ".join(f"({' and '.join(names)}) {says}" for says, names in by_sentence.items())
    whole = "both parts do" if len(named) == 2 else f"all {len(named)} parts do"

    @stated(f"{whole}: {sentences}", *(test for part in named.values() for test in getattr(part, "tests", ())))
    def rule(evidence):
        found = {name: part(evidence) for name, part in named.items()}
        said = {verdict.verdict for verdict in found.values()}
        if len(said) == 1:
            whole = said.pop()
        elif said & {"holds", "holds in part"}:
            whole = "holds in part"
        else:
            whole = "does not hold" if "does not hold" in said else "undecided"
        first = next((v for v in found.values() if v.n), next(iter(found.values())))
        reason = "; ".join(f"{name}: {v.verdict}, {v.reason}" for name, v in found.items())
        waits = next((v.waits for v in found.values() if v.waits), None)
        return Verdict(whole, reason, first.ours, first.interval, first.n, first.profile, first.hardware, waits)

    return rule


def scale_of(evidence, places):
    """The better scale at which each of some cells has two records or more; else the smaller one, whatever it has.

    Parameters
    ----------
    evidence : Evidence
    places : iterable of (str, str, str)
        Experiment, column, row.

    Returns
    -------
    str
    """
    places = list(places)
    whole = (profile for profile in TRAINED if all(len(evidence.records(*place, profile)) >= FEW for place in places))
    return next(whole, TRAINED[-1])


def printed(pairs, *, worse=False):
    """In how many of the paper's own cells a row is above its base, or below it."""
    cells = [{(cell.column, cell.row): cell.published for cell in get(pair.experiment).cells} for pair in pairs]
    gains = [c[pair.column, pair.row] - c[pair.column, pair.base] for c, pair in zip(cells, pairs, strict=True)]
    count = sum((gain < 0) if worse else (gain > 0) for gain in gains)
    return f"{'below' if worse else 'above'} in {count} of {len(pairs)} cells"


def seed_deviation(groups):
    """The standard deviation within groups of values, pooled over the groups that have two or more."""
    groups = [np.asarray(values, dtype=float) for values in groups if len(values) > 1]
    squares = sum(((values - values.mean()) ** 2).sum() for values in groups)
    return float(np.sqrt(squares / sum(len(values) - 1 for values in groups)))


def _both(evidence, pair, profile, selection="best_test"):
    return tuple(evidence.scores(pair.experiment, pair.column, row, profile, selection) for row in (pair.row, pair.base))


def _compared(evidence, pairs, selection="best_test"):
    """The best profile at which every pair has two seeds, else the one at which most pairs have; accuracies by seed there."""
    by_profile = {profile: [_both(evidence, pair, profile, selection) for pair in pairs] for profile in TRAINED}
    counts = {profile: sum(len(a.keys() & b.keys()) >= FEW for a, b in compared) for profile, compared in by_profile.items()}
    best = max(TRAINED, key=lambda profile: counts[profile])  # of equals the first
    return (best, by_profile[best]) if counts[best] else (None, None)


def _beside(both, margin, or_better):
    """p-values of a pair for being level, and for being beyond the margin."""
    from statsmodels.stats.weightstats import ttost_paired  # here, since it takes a second to import

    seeds = sorted(both[0].keys() & both[1].keys())
    if len(seeds) < FEW:
        return None, None
    row, base = (np.array([values[seed] for seed in seeds]) for values in both)
    gain = row - base
    if np.ptp(gain) == 0:
        near = -margin < gain[0] and (or_better or gain[0] < margin)
        return (0.0, 1.0) if near else (1.0, 0.0)
    not_below, below = (scipy.stats.ttest_1samp(gain, -margin, alternative=side).pvalue for side in ("greater", "less"))
    if or_better:
        return float(not_below), float(below)
    above = scipy.stats.ttest_1samp(gain, margin, alternative="greater").pvalue
    return float(ttost_paired(row, base, -margin, margin)[0]), float(min(1.0, 2 * min(below, above)))


def _verdict(evidence, pairs, compared, profile, right, wrong, words, sign=0):
    """From what each comparison shows to the verdict of them all; with a sign, their average may show it in part."""
    yes, no, all_of_them = sum(right), sum(wrong), len(pairs)
    counts = list(map(_shared, compared))
    verdict = decided(yes, no, all_of_them)
    average, n = average_estimate(evidence, compared), min((k for k in map(_shared, compared) if k >= FEW), default=0)
    in_mean = average is not None and all_of_them > 1 and sign * average.low > 0 and sign * average.high > 0
    if verdict == "undecided" and in_mean and not no:
        verdict = "holds in part"
    reason = f"of {all_of_them} comparisons {yes} are {words[0]} and {no} {words[1]}"
    if open_ones := all_of_them - yes - no - (lacking := sum(count < FEW for count in counts)):
        reason += f"; in {open_ones} the interval is too wide"
    if lacking:
        reason += f"; {lacking} lack two seeds"
    if verdict == "holds in part" and in_mean and not no and 2 * yes < all_of_them:
        reason += f"; their average is {words[0]}, with its whole interval"
    ours = average and f"{_points(average)} on average"
    return Verdict(verdict, reason, ours, _interval(average), n, profile, hardware_of(_records(evidence, pairs, profile)))


def decided(yes, no, total):
    """The verdict of `total` comparisons, of which so many show a claim and so many show its opposite."""
    if yes == total:
        return "holds"
    if no and not yes:
        return "does not hold"
    return "holds in part" if yes and (no or 2 * yes >= total) else "undecided"


def average_estimate(evidence, compared):
    """The mean difference of the pairs that have two seeds or more, taken seed by seed; None if they share no two."""
    pairs = [(a, b) for a, b in compared if _shared((a, b)) >= FEW]
    seeds = set.intersection(*(set(a.keys() & b.keys()) for a, b in pairs)) if pairs else set()
    if len(seeds) < FEW:
        return None
    return evidence.estimate([np.mean([a[seed] - b[seed] for a, b in pairs]) for seed in sorted(seeds)])


def _shared(both):
    """How many seeds a pair has in common."""
    return len(both[0].keys() & both[1].keys())


def _tests(pairs):
    return [pair.experiment for pair in pairs]


def _records(evidence, pairs, profile):
    for pair in pairs:
        for row in (pair.row, pair.base):
            yield from evidence.records(pair.experiment, pair.column, row, profile).values()


def _epochs(evidence, pair, profile):
    record = next(iter(_records(evidence, [pair], profile)))
    return f"{record.run.epochs} epochs on {record.run.train_images:,} images"


def _nothing(pairs):
    names = ", ".join(dict.fromkeys(pair.experiment for pair in pairs))
    return Verdict("undecided", f"no comparison has records of two seeds yet; {names} makes them")


def _interval(found):
    return None if found is None or found.low is None else (round(found.low, 3), round(found.high, 3))


def _points(found):
    return f"{found.mean:+.2f}".replace("-", "−")


__all__ = ["better", "level", "parts", "printed_gain"]
