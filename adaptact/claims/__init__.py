"""The papers' claims, and the verdict that the records give on each: ``python -m adaptact claims``.

A claim is a `Claim` with a rule, and a rule is a function from an `Evidence` to a `Verdict`. To add one, append it to the
list that a paper's module here returns; most need no more than a rule of `adaptact.claims.rules`:

    Claim("leaf-tanh-everywhere", "leaf", "Tables 4, 5", "order", "LEAF as Tanh beats Tanh", better(pairs))
"""

from collections import Counter

from ..activations import compiled
from ..errors import choose
from . import apalu, imbalance, leaf, pltanh, weighted_sum
from .base import ALPHA, KINDS, MARGIN, VERDICTS, WAITS, Claim, Evidence, Pair, Verdict
from .ledger import number, scale

CLAIMS = {claim.id: claim for paper in (leaf, weighted_sum, pltanh, apalu, imbalance) for claim in paper.claims()}
PAPERS = tuple(dict.fromkeys(claim.paper for claim in CLAIMS.values()))


def judge(store, paper=None, *, alpha=ALPHA, margin=MARGIN):
    """The verdict on each claim, recomputed from records.

    Parameters
    ----------
    store : adaptact.Store
    paper : str, optional
        One of `PAPERS`; by default all.
    alpha, margin : float
        Thresholds; see `Evidence`.

    Returns
    -------
    dict of Claim to Verdict

    Raises
    ------
    UserError
        If the paper is unknown or a threshold makes no sense.
    """
    if paper is not None:
        choose("paper", paper, PAPERS)
    evidence = Evidence(store, alpha, margin)
    with compiled("never"):  # plain formulas: a verdict must not depend on whether there is a compiler
        return {claim: claim.rule(evidence) for claim in CLAIMS.values() if paper in (None, claim.paper)}


def as_dict(claim, verdict, *, alpha=ALPHA, margin=MARGIN):
    """A claim with its verdict and its rule, at the thresholds that it was judged by, in a form that JSON can hold.

    Parameters
    ----------
    claim : Claim
    verdict : Verdict
    alpha, margin : float
        Those that `judge` was given.

    Returns
    -------
    dict of str to object
    """
    return {
        "id": claim.id,
        "paper": claim.paper,
        "where": claim.where,
        "kind": claim.kind,
        "claim": claim.text,
        "note": claim.note,
        "tested_by": list(claim.tested_by),
        "rule": claim.says(alpha, margin),
        "page": claim.page and f"notebooks/{claim.page}.ipynb",
        "verdict": verdict.verdict,
        "published": claim.published,
        "ours": verdict.ours,
        "interval": verdict.interval and list(verdict.interval),
        "n": verdict.n,
        "profile": verdict.profile,
        "hardware": verdict.hardware,
        "reason": verdict.reason,
        "waits": verdict.waits and WAITS[verdict.waits],
    }


def markdown(found):
    """Claims and verdicts for a page: a table, and under it the reason for each.

    Parameters
    ----------
    found : dict of Claim to Verdict
        From `judge`.

    Returns
    -------
    str
    """
    lines = ["| claim | verdict | published | ours | evidence |", "|---|---|---|---|---|"]
    for claim, verdict in found.items():
        said = [f"[{claim.id}]({claim.page}.ipynb)", f"**{verdict.verdict}**", claim.published or "no number"]
        said += [number(verdict), scale(verdict)]
        lines.append(f"| {' | '.join(said)} |")
    for claim, verdict in found.items():
        hardware = f" Hardware: {verdict.hardware}." if verdict.hardware else ""
        note = f" Note: {claim.note}." if claim.note else ""
        lines.append(f"\n**{claim.id}** ({claim.where}): {claim.text}.{note}")
        lines.append(f"*{verdict.verdict.capitalize()}*: {verdict.reason}.{hardware}")
    return "\n".join(lines)


def tally(verdicts):
    """How many claims got each verdict, in words.

    Parameters
    ----------
    verdicts : iterable of Verdict

    Returns
    -------
    str
    """
    counts = Counter(verdict.verdict for verdict in verdicts)
    return f"{counts.total()} claims: " + ", ".join(f"{name} {counts[name]}" for name in VERDICTS if counts[name])


__all__ = ["CLAIMS", "KINDS", "PAPERS", "VERDICTS", "Claim", "Evidence", "Pair", "Verdict", "as_dict", "judge", "markdown", "tally"]
