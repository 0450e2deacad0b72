"""The ledger: all claims at a glance, what undecided ones wait for, and how verdicts move with the thresholds."""

from collections import Counter
from html import escape

import pandas as pd

from .base import VERDICTS, WAITS
from .pages import LEDGER, VERDICTS_OF

TITLES = {
    "leaf": "LEAF and AHAF",
    "weighted_sum": "Weighted sum",
    "pltanh": "PLTanh",
    "apalu": "APALU",
    "imbalance": "Class imbalance",
}
SYMBOLS = dict(zip(VERDICTS, "✓◐✕?–", strict=True))  # beside the colour, for who does not see it


def by_paper(found):
    """Verdicts by paper.

    Parameters
    ----------
    found : dict of Claim to Verdict
        From `adaptact.claims.judge`.

    Returns
    -------
    dict of str to dict of Claim to Verdict
    """
    papers = {}
    for claim, verdict in found.items():
        papers.setdefault(claim.paper, {})[claim] = verdict
    return papers


def counts(found):
    """How many claims of each paper got each verdict.

    Parameters
    ----------
    found : dict of Claim to Verdict
        From `adaptact.claims.judge`.

    Returns
    -------
    pandas.DataFrame
        A row for each paper and one for all; a column for each verdict and one for all.
    """
    of = {TITLES.get(paper, paper): Counter(v.verdict for v in verdicts.values()) for paper, verdicts in by_paper(found).items()}
    table = pd.DataFrame([[n[verdict] for verdict in VERDICTS] for n in of.values()], index=list(of), columns=list(VERDICTS))
    table.loc["all"] = table.sum()
    return table.assign(claims=table.sum(axis=1))


def number(verdict):
    """Our number with its interval, as it stands in tables.

    Parameters
    ----------
    verdict : Verdict

    Returns
    -------
    str
    """
    ends = f" [{', '.join(f'{end:+.3g}' for end in verdict.interval)}]".replace("-", "−") if verdict.interval else ""
    return (verdict.ours or "–") + ends


def scale(verdict):
    """The scale of the records behind a verdict, and the number of seeds, as they stand in tables.

    Parameters
    ----------
    verdict : Verdict

    Returns
    -------
    str
    """
    return ", ".join(filter(None, [verdict.profile, verdict.n and f"n = {verdict.n}"])) or "none yet"


def lines(found):
    """Claims of one paper for a page: a table, and folded under it what tests each claim and by which rule.

    Parameters
    ----------
    found : dict of Claim to Verdict
        Those of one paper, from `by_paper`.

    Returns
    -------
    str
        Markdown.
    """
    said = ["| claim | verdict | published | ours | evidence |", "|---|---|---|---|---|"]
    for claim, v in found.items():
        cells = [f"[{claim.id}]({claim.page}.ipynb) {claim.text}", f"{SYMBOLS[v.verdict]} **{v.verdict}**"]
        said.append(f"| {' | '.join([*cells, claim.published or 'no number', number(v), scale(v)])} |")
    said += ["", f"<details><summary>The {len(found)} rules, and what tests each claim</summary>", ""]
    said += [f"- **{claim.id}** ({', '.join(claim.tested_by)}). {claim.says()}" for claim in found]
    return "\n".join([*said, "", "</details>"])


def waiting(found):
    """What the undecided claims wait for.

    Parameters
    ----------
    found : dict of Claim to Verdict
        From `adaptact.claims.judge`.

    Returns
    -------
    pandas.DataFrame
        A row for each of `WAITS` that some claim waits for: how many, and which.
    """
    of = {why: [claim.id for claim, verdict in found.items() if verdict.waits == why] for why in WAITS}
    rows = {WAITS[why]: {"claims": len(ids), "which": ", ".join(ids)} for why, ids in of.items() if ids}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["claims", "which"]).rename_axis("it waits")


def moved(found, evidence, threshold, values):
    """The verdicts at other values of one threshold, all else as it is.

    Parameters
    ----------
    found : dict of Claim to Verdict
        At the usual thresholds.
    evidence : Evidence
    threshold : {"alpha", "margin"}
    values : sequence of float

    Returns
    -------
    pandas.DataFrame
        A row for each claim's id, a column for each value, in it the verdict. What does not use the threshold keeps its verdict.
    """
    table = {}
    for value in values:
        there = evidence.at(**{threshold: value})
        table[value] = {c.id: c.rule(there).verdict if c.uses(threshold) else v.verdict for c, v in found.items()}
    return pd.DataFrame(table).rename_axis(index="claim", columns=threshold)


def glance(found, folder="../notebooks"):
    """The ledger as HTML: a row for each paper with its counts, and under it each claim, coloured, marked and linked.

    Parameters
    ----------
    found : dict of Claim to Verdict
        From `adaptact.claims.judge`.
    folder : str
        Where the pages are, seen from the page that shows this.

    Returns
    -------
    str
    """
    table, papers = counts(found), by_paper(found)
    heads = [f'<th scope="col" title="{verdict}" aria-label="{verdict}">{_mark(verdict)}</th>' for verdict in VERDICTS]
    legend = "\n".join(f"<span>{_mark(verdict)} {verdict}</span>" for verdict in VERDICTS)
    rows = []
    for title, row in table.iterrows():
        paper = next((paper for paper in papers if TITLES.get(paper, paper) == title), None)
        page = VERDICTS_OF[paper] if paper else LEDGER
        name = f'<a href="{folder}/{page}.html">{escape(title if paper else "All sources")}</a>'
        numbers = "".join(f"<td>{row[verdict] or '·'}</td>" for verdict in VERDICTS)
        rows.append(f'<tr class="sum"><th scope="row">{name}</th><td>{row["claims"]}</td>{numbers}</tr>')
        if paper:
            chips = "\n".join(_chip(claim, verdict, folder) for claim, verdict in papers[paper].items())
            rows.append(f'<tr><td colspan="{len(VERDICTS) + 2}" class="chips">\n{chips}\n</td></tr>')
    head = f'<tr><th scope="col">source</th><th scope="col">all</th>{"".join(heads)}</tr>'
    return "\n".join(
        [
            '<table class="ledger">',
            f"<caption>\n{legend}\n</caption>",
            f"<thead>{head}</thead>",
            "<tbody>",
            *rows,
            "</tbody>",
            "</table>",
        ]
    )


def _mark(verdict):
    return f'<span class="sign v{VERDICTS.index(verdict)}" aria-hidden="true">{SYMBOLS[verdict]}</span>'


def _chip(claim, verdict, folder):
    said = escape(f"{claim.id}: {verdict.verdict}. {claim.text}", quote=True)
    name = claim.id.partition("-")[2] if claim.id.partition("-")[0] != "ahaf" else claim.id
    index = VERDICTS.index(verdict.verdict)
    link = f'{folder}/{claim.page}.html" title="{said}" aria-label="{said}'
    return f'<a class="chip v{index}" href="{link}"><b aria-hidden="true">{SYMBOLS[verdict.verdict]}</b> {name}</a>'


__all__ = ["by_paper", "counts", "glance", "lines", "moved", "number", "scale", "waiting"]
