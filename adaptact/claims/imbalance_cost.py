"""What ReLU and Swish cost beside others: rules for claims that rest on the measured times of ``python -m adaptact bench``."""

import json

import numpy as np
import scipy

from ..bench import FILE
from .base import Verdict, stated
from .rules import decided

RIVALS = ("leaky_relu", "prelu", "elu", "silu", "tanh", "sigmoid")  # fixed and learned functions of the article, and two old ones
SLIGHTLY = 1.2  # times a training step with ReLU; our choice
COMMAND = "python -m adaptact bench --results results"


def _measured(evidence):
    paths = [folder / FILE for folder in evidence.store.folders if (folder / FILE).exists()]
    return json.loads(paths[0].read_text()) if paths else None


def _ratios(result, name):
    """Forward and backward of a function over ReLU's, eager, at each site of the networks that are measured."""
    return np.array([of["to_relu"] for of in result["sites"] if (of["activation"], of["mode"]) == (name, "eager")])


def _longer(ratios):
    """p-values of Wilcoxon's signed-rank test over sites, as of a two-sided one, for ratios above 1, and below."""
    if len(ratios) < 2 or np.ptp(ratios) == 0:
        return 1.0, 1.0
    sides = (scipy.stats.wilcoxon(np.log(ratios), alternative=side).pvalue for side in ("greater", "less"))
    return tuple(min(1.0, 2 * float(p)) for p in sides)


def _common(result):
    machine = result["machine"]
    return {"profile": "benchmark", "hardware": f"{machine['cpu']}, {machine['threads']} threads"}


@stated("each rival takes longer, forward and backward, by Wilcoxon's test over sites ({alpha}, Holm)", "bench")
def cheapest(evidence):
    """ReLU takes less time than each rival: forward and backward at the sites of two networks."""
    result = _measured(evidence)
    if result is None:
        return Verdict("undecided", f"nothing is measured yet; {COMMAND} does it")
    found = {name: _ratios(result, name) for name in RIVALS}
    found = {name: ratios for name, ratios in found.items() if len(ratios)}
    longer, shorter = (evidence.significant(ps) for ps in zip(*map(_longer, found.values()), strict=True))
    said = ", ".join(f"{name} {np.median(ratios):.2f}" for name, ratios in found.items())
    reason = (
        f"of {len(RIVALS)} rivals {sum(longer)} take significantly longer and {sum(shorter)} less (median times ReLU's: {said})"
    )
    return Verdict(decided(sum(longer), sum(shorter), len(RIVALS)), reason, **_common(result))


@stated("it takes longer than ReLU, forward and backward, by Wilcoxon's test over sites ({alpha})", "bench")
def swish_costs_more(evidence):
    """Swish takes more time than ReLU at each site."""
    result = _measured(evidence)
    if result is None:
        return Verdict("undecided", f"nothing is measured yet; {COMMAND} does it")
    ratios = _ratios(result, "silu")
    more, less = (p < evidence.alpha for p in _longer(ratios))
    spread = f"{ratios.min():.2f} to {ratios.max():.2f} times ReLU"
    reason = f"forward and backward take {spread} at {len(ratios)} sites"
    return Verdict(decided(int(more), int(less), 1), reason, spread, **_common(result))


@stated(f"a training step takes less than {SLIGHTLY:g} times ReLU's in each network", "bench")
def only_slightly(evidence):
    """A whole training step with Swish is less than `SLIGHTLY` times one with ReLU, in each network."""
    result = _measured(evidence)
    if result is None:
        return Verdict("undecided", f"nothing is measured yet; {COMMAND} does it")
    steps = {of["network"]: of["to_relu"] for of in result["steps"] if (of["activation"], of["mode"]) == ("silu", "eager")}
    yes = sum(ratio < SLIGHTLY for ratio in steps.values())
    said = ", ".join(f"{network} {ratio:.2f}" for network, ratio in steps.items())
    reason = f"a training step takes less than {SLIGHTLY:g} times ReLU's in {yes} of {len(steps)} networks ({said})"
    return Verdict(decided(yes, len(steps) - yes, len(steps)), reason, said, **_common(result))
