"""Rules for the APALU paper's claims that rest on its image classifiers, on Deep SVDD, and on where a and b start."""

import json

import numpy as np

from ..experiments import get
from ..experiments.apalu import NETWORKS, RIVALS, STARTS, column
from .base import Pair, Verdict, hardware_of, stated
from .pltanh_training import signed
from .rules import FEW, PAIRED, TRAINED, better

IMAGES, SVDD, BEGUN = "apalu/images", "apalu/svdd", "apalu/starts"
DIGITS = range(10)


def on_mnist():
    """APALU against its four rivals in both networks on MNIST, after the last epoch."""
    pairs = [Pair(IMAGES, column(model, "mnist"), "APALU", rival) for model in NETWORKS for rival in RIVALS]
    return better(pairs, selection="last")


def gain_in(model, published):
    """A printed gain of APALU in accuracy on CIFAR-10, over a rival that is not named in the text available to us."""

    def values(evidence, row, profile):
        cell = IMAGES, column(model, "cifar10"), row, profile
        return evidence.scores(*cell, "last"), list(evidence.records(*cell).values())

    return gain(values, published, IMAGES)


def mean_auc(published):
    """A printed gain of APALU in the mean AUC of Deep SVDD over ten digits, over a rival that is not named either."""
    return gain(mean_aucs, published, SVDD)


def mean_aucs(evidence, row, profile):
    """The AUC of Deep SVDD at its end, mean over the ten digits.

    Parameters
    ----------
    evidence : Evidence
    row, profile : str

    Returns
    -------
    means : dict of int to float
        In percent, by seed; of seeds with a record of each digit that did not diverge.
    records : list of Record
    """
    found = [evidence.records(SVDD, f"digit {digit}", row, profile) for digit in DIGITS]
    aucs = [{seed: record.scores.get("last", {}).get("auc") for seed, record in of.items()} for of in found]
    seeds = set.intersection(*(set(of) for of in aucs))
    whole = sorted(seed for seed in seeds if all(of[seed] is not None for of in aucs))
    means = {seed: float(100 * np.mean([of[seed] for of in aucs])) for seed in whole}
    return means, [of[seed] for of in found for seed in whole]


def gain(values, published, experiment):
    """A printed gain of APALU over a rival that is not named in the text available to us.

    Parameters
    ----------
    values : callable
        ``values(evidence, row, profile)`` gives a row's values by seed, and the records behind them.
    published : float
    experiment : str
        What makes the records.

    Returns
    -------
    callable
        A printed gain is decided at the paper's scale: *holds* when the interval over some rival holds it and APALU is below none;
        *holds in part* when it is above one, by another amount; *does not hold* when it is below one and above none.
    """

    @stated(
        f"at the paper's scale the {{interval}} of the gain over some rival holds the printed {published:+.2f}, and it is"
        f" below none by {PAIRED}; in part, if it is above one by another amount",
        experiment,
    )
    def rule(evidence):
        for profile in TRAINED:
            ours, records = values(evidence, "APALU", profile)
            found = {}
            for rival in RIVALS:
                theirs, used = values(evidence, rival, profile)
                difference = evidence.paired(ours, theirs)
                if difference is not None and difference.n >= FEW:
                    found[rival], records = difference, records + used
            if found:
                break
        else:
            return Verdict("undecided", f"no comparison has records of two seeds yet; {experiment} makes them")
        shown = evidence.significant([difference.p for difference in found.values()])
        above, below = (sum(s and sign * d.mean > 0 for s, d in zip(shown, found.values(), strict=True)) for sign in (1, -1))
        said = ", ".join(f"{signed(d.mean)} [{signed(d.low)}, {signed(d.high)}] over {rival}" for rival, d in found.items())
        counts = f"significantly above {above} and below {below} of {len(found)} rivals"
        middle = sorted(d.mean for d in found.values())
        common = {"ours": f"{signed(middle[0])} to {signed(middle[-1])}", "n": min(d.n for d in found.values())}
        common |= {"profile": profile, "hardware": hardware_of(records)}
        if profile != "paper":
            reason = f"a printed number is decided at the paper's scale, and only {profile} records are there: {said}; {counts}"
            return Verdict("undecided", reason, **common, waits="scale")
        reason = f"{said}; {counts}"
        if below:
            return Verdict("does not hold" if not above else "holds in part", reason, **common)
        if any(d.low <= published <= d.high for d in found.values()):
            return Verdict("holds", f"{reason}; an interval holds the printed {published:+.2f}", **common)
        return Verdict("holds in part" if above else "undecided", reason, **common)

    return rule


@stated(f"some other start of a and b ends off the paper's by {PAIRED}", BEGUN)
def sensitive(evidence):
    """Whether another start of a and b gives another accuracy, be they trained or fixed: LeNet-5 on MNIST."""
    (title,) = dict.fromkeys(cell.column for cell in get(BEGUN).cells)
    usual, *others = [f"APALU {start}" for start in STARTS]
    found, used = {}, []
    for how in ("trained", "fixed"):
        base = evidence.scores(BEGUN, title, f"{usual}, {how}", "laptop", "last")
        for row in others:
            difference = evidence.paired(evidence.scores(BEGUN, title, f"{row}, {how}", "laptop", "last"), base)
            if difference is not None and difference.n >= FEW:
                found[f"{row}, {how}"] = difference
                used += evidence.records(BEGUN, title, f"{row}, {how}", "laptop").values()
    if not found:
        return Verdict("undecided", f"no comparison has records of two seeds yet; {BEGUN} makes them")
    shown = sum(evidence.significant([difference.p for difference in found.values()]))
    said = ", ".join(f"{signed(difference.mean)} ({row.removeprefix('APALU ')})" for row, difference in found.items())
    reason = f"of {len(found)} other starts {shown} end significantly off the paper's, in points of accuracy: {said}"
    n = min(difference.n for difference in found.values())
    largest = max(abs(difference.mean) for difference in found.values())
    common = {"n": n, "profile": "laptop", "hardware": hardware_of(used)}
    return Verdict("holds" if shown else "undecided", reason, f"up to {largest:.2f} points", **common)


@stated("forward and backward take longer than each rival's, median over sites, eager and compiled", "bench")
def costs_more(evidence):
    """The benchmark's times of the function alone, forward and backward, beside its rivals'."""
    paths = [folder / "bench.json" for folder in evidence.store.folders if (folder / "bench.json").is_file()]
    if not paths:
        return Verdict("undecided", "nothing is measured yet; python -m adaptact bench --json makes it")
    result = json.loads(paths[0].read_text())
    times = {}
    for line in result["sites"]:
        key = line["activation"], line["mode"]
        times.setdefault(key, {})[line["site"]] = line["forward_us"] + line["backward_us"]
    ratios = {}
    for mode in ("eager", "compiled"):
        ours = times.get(("apalu", mode), {})
        for rival in ("relu", "leaky_relu", "elu", "gelu"):
            theirs = times.get((rival, "eager"), {})
            if shared := ours.keys() & theirs.keys():
                ratios[mode, rival] = float(np.median([ours[site] / theirs[site] for site in shared]))
    if not ratios:
        return Verdict("undecided", "APALU is not in the benchmark; python -m adaptact bench --json measures it")
    said = ", ".join(f"{ratio:.1f} ({rival}, APALU {mode})" for (mode, rival), ratio in ratios.items())
    reason = f"forward and backward of the function alone take this many times as long as a rival's, median over sites: {said}"
    verdict = "holds" if min(ratios.values()) > 1 else "does not hold" if max(ratios.values()) < 1 else "holds in part"
    machine = f"{result['machine']['cpu']}, {result['machine']['threads']} threads"
    spread = f"{min(ratios.values()):.1f} to {max(ratios.values()):.1f} times"
    return Verdict(verdict, reason, spread, profile="benchmark", hardware=machine)
