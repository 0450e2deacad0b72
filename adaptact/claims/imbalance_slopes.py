"""Rules of the article on class imbalance for slopes that are one, and units that are dead."""

import torch

from .. import activations
from .base import Verdict, hardware_of, stated
from .contrasts import ENOUGH, PROFILE
from .imbalance_measures import BALANCED, CENTRE, DEEP, OTHER_RATES, RARE


@stated("its slope is exactly 1 at each of 10,001 positive inputs", "calculus")
def slope_one(evidence):
    """ReLU's slope is exactly one at each of many positive inputs."""
    x = torch.logspace(-30, 30, 10_001, dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(activations.make("relu", (1,))(x).sum(), x)[0]
    exact = bool((slope == 1).all())
    return Verdict("holds" if exact else "does not hold", "it is 1 at each of 10,001 positive inputs", profile="computed")


WITH_ELU = tuple((BALANCED | CENTRE | RARE | OTHER_RATES | DEEP).values())


@stated("no layer of any network with ELU has a dead unit, while some with ReLU have", *(experiment for experiment, _ in WITH_ELU))
def no_dead_with_elu(evidence):
    """No unit of any recorded network with ELU is dead, while some with ReLU are."""
    shares, seeds, used = {"ELU": [], "ReLU": []}, set(), []
    for row, of in shares.items():
        for where in WITH_ELU:
            records = {seed: r for seed, r in evidence.records(*where, row, PROFILE).items() if r.status == "done" and r.units}
            seeds |= set(records)
            used += records.values()
            of += [site["dead"] for record in records.values() for site in record.units.values()]
    if not all(shares.values()) or len(seeds) < ENOUGH:
        return Verdict("undecided", f"there are no records of {ENOUGH} seeds of both yet; imbalance/ratios makes them")
    elu, relu = (sum(share > 0 for share in of) for of in shares.values())
    reason = f"some are dead in {elu} of {len(shares['ELU'])} layers with ELU and in {relu} of {len(shares['ReLU'])} with ReLU"
    verdict = "does not hold" if elu else "holds" if relu else "undecided"
    return Verdict(verdict, reason, f"{elu} layers", n=len(seeds), profile=PROFILE, hardware=hardware_of(used))
