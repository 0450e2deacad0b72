"""What PLTanh costs beside ReLU, and whether that grows with depth: the rule of a claim that rests on measured times."""

import json

import numpy as np
import scipy

from ..bench_depth import FILE
from .base import Verdict, stated
from .rules import decided, parts

COMMAND = "python -m adaptact bench depth --rounds 9 --results results"
MARGIN = 0.05  # of ReLU's training step: a ratio that grows by less over all depths does not grow
FEW_DEPTHS, FEW_ROUNDS = 3, 2  # that a trend needs


@stated(
    "all quartiles of the ratio to ReLU's step are above 1 at every depth, and it grows with depth (Page's test, {alpha}, Holm); it"
    f" does not, if its end is less than {MARGIN:g} above its beginning (Wilcoxon's)",
    "bench depth",
)
def overhead(evidence):
    """Whether a training step with PLTanh takes longer than with ReLU, and by a larger factor in deeper networks.

    Compared are all ways to compute PLTanh in all bodies of a network that `adaptact.bench_depth` has measured.

    Parameters
    ----------
    evidence : Evidence
        The measurement is looked for beside its records.

    Returns
    -------
    Verdict
        Of two parts. *Costs more*: the quartiles of the ratio to ReLU are above 1 at every depth; its opposite, below 1 at
        every depth. *The more so in deep networks*: the ratio grows with depth by Page's test for a trend over repeated
        measurements; its opposite, it does not, and at the largest depth it is less than `MARGIN` above that at the smallest,
        by Wilcoxon's test. Both are corrected over the comparisons.
    """
    paths = [folder / FILE for folder in evidence.store.folders if (folder / FILE).exists()]
    if not paths:
        return Verdict("undecided", f"nothing is measured yet; {COMMAND} does it")
    result = json.loads(paths[0].read_text())
    compared = {}
    for line in result["lines"]:
        if line["function"].startswith("PLTanh"):
            compared.setdefault(f"{line['body']}, {line['function']}", {})[line["depth"]] = line
    machine = result["machine"]
    common = {"profile": "benchmark", "hardware": f"{machine['cpu']}, {machine['threads']} thread"}
    both = {
        "costs more": lambda _: _costs(compared, common),
        "the more so in deep networks": lambda of: _grows(of, compared, common),
    }
    return parts(both)(evidence)


def trend(ratios):
    """Whether ratios grow from column to column.

    Parameters
    ----------
    ratios : array_like
        ``(rounds, depths)``, the depths in order; at least two by three.

    Returns
    -------
    grows : float
        The p-value of Page's test that they do.
    stays : float
        The p-value of Wilcoxon's test that the last is less than `MARGIN` above the first: level, or lower.
    correlation : float
        Spearman's, of ratio and depth, the mean over the rounds.
    """
    ratios = np.asarray(ratios)
    order = range(ratios.shape[1])
    each = [scipy.stats.spearmanr(line, order).statistic if np.ptp(line) else 0.0 for line in ratios]
    stays = scipy.stats.wilcoxon(ratios[:, -1] - ratios[:, 0] - MARGIN, alternative="less").pvalue
    return float(scipy.stats.page_trend_test(ratios).pvalue), float(stays), float(np.mean(each))


def _costs(compared, common):
    quartiles = {name: [line["step"] for line in of.values()] for name, of in compared.items()}
    more = sum(all(low > 1 for low, _, _ in each) for each in quartiles.values())
    less = sum(all(high < 1 for _, _, high in each) for each in quartiles.values())
    middle = sorted(median for each in quartiles.values() for _, median, _ in each)
    spread = f"{middle[0]:.2f} to {middle[-1]:.2f} times"
    reason = f"of {len(quartiles)} comparisons {more} are above ReLU at every depth and {less} below it, {spread} its training step"
    return Verdict(decided(more, less, len(quartiles)), reason, spread, **common)


def _grows(evidence, compared, common):
    compared = {name: dict(sorted(of.items())) for name, of in compared.items()}
    rounds = min(len(line["ratios"]) for of in compared.values() for line in of.values())
    if rounds < FEW_ROUNDS or min(map(len, compared.values())) < FEW_DEPTHS:
        return Verdict("undecided", f"a trend needs {FEW_DEPTHS} depths and {FEW_ROUNDS} rounds", **common)
    found = {name: trend(np.transpose([line["ratios"] for line in of.values()])) for name, of in compared.items()}
    grows, stays = (evidence.significant([each[test] for each in found.values()]) for test in (0, 1))
    stays = [stay and not grow for grow, stay in zip(grows, stays, strict=True)]
    said = []
    for name, of in compared.items():
        first, last = min(of), max(of)
        ends = f"{of[first]['step'][1]:.2f} at {first} layers, {of[last]['step'][1]:.2f} at {last}"
        said.append(f"{name}: {ends}, mean rank correlation {found[name][2]:+.2f}".replace("-", "−"))
    reason = f"of {len(found)} comparisons the ratio grows with depth in {sum(grows)} and stays or falls in {sum(stays)}"
    return Verdict(decided(sum(grows), sum(stays), len(found)), f"{reason} ({'; '.join(said)})", **common)
