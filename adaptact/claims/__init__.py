"""The papers' claims, and the verdict that the records give on each: ``python -m adaptact claims``.

A claim is a `Claim` with a rule, and a rule is a function from an `Evidence` to a `Verdict`. To add one, append it to the
list that a paper's module here returns; most need no more than a rule of `adaptact.claims.rules`:

    Claim("leaf-tanh-everywhere", "leaf", "Tables 4, 5", "order", "LEAF as Tanh beats Tanh", better(pairs))
"""

from collections import Counter

from ..errors import choose
from . import apalu, imbalance, leaf, pltanh, weighted_sum
from .base import KINDS, VERDICTS, Claim, Evidence, Pair, Verdict

CLAIMS = {claim.id: claim for paper in (leaf, weighted_sum, pltanh, apalu, imbalance) for claim in paper.claims()}
PAPERS = tuple(dict.fromkeys(claim.paper for claim in CLAIMS.values()))


def judge(store, paper=None):
    """The verdict on each claim, recomputed from records.

    Parameters
    ----------
    store : adaptact.Store
    paper : str, optional
        One of `PAPERS`; by default all.

    Returns
    -------
    dict of Claim to Verdict

    Raises
    ------
    UserError
        If the paper is unknown.
    """
    if paper is not None:
        choose("paper", paper, PAPERS)
    evidence = Evidence(store)
    return {claim: claim.rule(evidence) for claim in CLAIMS.values() if paper in (None, claim.paper)}


def as_dict(claim, verdict):
    """A claim with its verdict, in a form that JSON can hold."""
    return {
        "id": claim.id,
        "paper": claim.paper,
        "where": claim.where,
        "kind": claim.kind,
        "claim": claim.text,
        "note": claim.note,
        "verdict": verdict.verdict,
        "published": claim.published,
        "ours": verdict.ours,
        "interval": verdict.interval and list(verdict.interval),
        "n": verdict.n,
        "profile": verdict.profile,
        "hardware": verdict.hardware,
        "reason": verdict.reason,
    }


def markdown(found, pages):
    """Claims and verdicts for a page: a table, and under it the reason for each.

    Parameters
    ----------
    found : dict of Claim to Verdict
        From `judge`.
    pages : dict of str to str
        By a claim's id, the page that its evidence is on.

    Returns
    -------
    str
    """
    lines = ["| claim | verdict | published | ours | evidence |", "|---|---|---|---|---|"]
    for claim, verdict in found.items():
        interval = f" [{', '.join(f'{end:+.3g}' for end in verdict.interval)}]".replace("-", "−") if verdict.interval else ""
        evidence = ", ".join(filter(None, [verdict.profile, verdict.n and f"n = {verdict.n}"])) or "none yet"
        said = [f"[{claim.id}]({pages[claim.id]})", f"**{verdict.verdict}**", claim.published or "no number"]
        said += [(verdict.ours or "–") + interval, evidence]
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
