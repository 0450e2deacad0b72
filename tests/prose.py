"""What pages say of verdicts, in prose and in stored outputs, against the verdicts themselves."""

import json
import re
from collections import Counter
from pathlib import Path

from adaptact import claims
from adaptact.claims import ledger
from adaptact.claims.pages import LEDGER, VERDICTS_OF

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen")
NUMBER = rf"(\d+|{'|'.join(WORDS)})"
SAID = {
    "holds in part": "holds? in part",
    "does not hold": "do(?:es)? not hold",
    "undecided": "undecided",
    "not testable": "not testable",
    "holds": "holds?(?! in part)",
}
ID = re.compile(rf"(?<![\w-])({'|'.join(claims.CLAIMS)})(?![\w-])")
VERDICT = re.compile("|".join(f"({pattern})" for pattern in SAID.values()), re.IGNORECASE)
COUNTED = re.compile(
    rf"(?<!not )\b{NUMBER}\b((?: (?!{NUMBER}\b)[^\s.,;:]+){{0,8}}?) (?:is |are )?\*?(?:{VERDICT.pattern})\b", re.IGNORECASE
)
TOTAL = re.compile(
    rf"\b(?:makes? |of the |verdict on ){NUMBER}\b(?= claims)|(?<=\*\* )none of the {NUMBER}\b"
    rf"|\b{NUMBER} claims\]\([./\w-]*?([\w-]+)\.ipynb\)",
    re.IGNORECASE,
)
TALLY = re.compile(rf"(\d+) claims: ((?:(?:{'|'.join(claims.VERDICTS)}) \d+(?:, )?)+)")
CITED = {"leaf": "leaf", "weightedsum": "weighted_sum", "pltanh": "pltanh", "apalu": "apalu", "imbalance": "imbalance"}
PAGES = {page: paper for paper, page in VERDICTS_OF.items()}


def number(text):
    return int(text) if text.isdigit() else WORDS.index(text.lower())


def verdict(match, first):
    """Which verdict a match of `VERDICT` is, whose groups begin at `first`."""
    return list(SAID)[next(i for i in range(len(SAID)) if match.group(first + i))]


def sentences(text):
    """Sentences, parts of sentences, and cells of tables."""
    return [part.strip() for part in re.split(r"(?<=[.!?:;])\s+|\n(?=\s*\n|\s*[-|*]|\d+\.)|\|", text) if part.strip()]


def wrong_in_prose(text, found, paper=None):
    """What a text says otherwise than the verdicts.

    Parameters
    ----------
    text : str
        Markdown.
    found : dict of Claim to Verdict
    paper : str, optional
        Whose claims the text counts; by default all, or those of any paper.

    Returns
    -------
    list of str
    """
    verdicts = {claim.id: of.verdict for claim, of in found.items()}
    groups = {of: Counter(v.verdict for v in part.values()) for of, part in ledger.by_paper(found).items()}
    allowed = [groups[paper]] if paper else [*groups.values(), Counter(verdicts.values())]
    wrong = []
    for sentence in sentences(TALLY.sub("", text)):
        ids = ID.findall(sentence)
        said = {verdict(match, 1) for match in VERDICT.finditer(sentence)}
        if ids and said and said != {verdicts[name] for name in ids}:
            wrong.append(f"{', '.join(ids)}: {sentence}")
        if (paper or re.search(r"\bclaims?\b", sentence)) and not ids:
            for match in COUNTED.finditer(sentence):
                if all(number(match.group(1)) != of[verdict(match, 4)] for of in allowed):
                    wrong.append(f"{match.group()}: {sentence}")
    for match in TALLY.finditer(text):
        if match.group().removesuffix(", ") not in [in_words(of) for of in allowed]:
            wrong.append(match.group())
    for line in text.splitlines():  # how many claims there are
        cited = [CITED[key] for key in re.findall(r"\{cite\}`(\w+)`", line) if key in CITED]
        for match in TOTAL.finditer(line):
            of = PAGES.get(match.group(4), cited[0] if cited else paper)
            if (
                number(match.group(1) or match.group(2) or match.group(3))
                != (groups[of] if of else Counter(verdicts.values())).total()
            ):
                wrong.append(f"{match.group()}: {line}")
    return wrong


def in_words(of):
    return f"{of.total()} claims: " + ", ".join(f"{name} {of[name]}" for name in claims.VERDICTS if of[name])


def wrong_in_outputs(path, found):
    """What the stored outputs of a notebook say otherwise than the verdicts: their tables, tallies, reasons and numbers."""
    papers, wrong = ledger.by_paper(found), []
    paper = PAGES.get(Path(path).stem)
    reasons = {claim.id: f"**{claim.id}**: {claim.text}. *{of.verdict.capitalize()}*: {of.reason}." for claim, of in found.items()}
    shown = [text for cell in cells(path) for text in outputs(cell)]
    if paper:  # a page of one paper's claims has all of it
        for expected in (claims.tally(papers[paper].values()), claims.markdown(papers[paper])):
            if expected not in [text.strip() for text in shown]:
                wrong.append(f"not as the records have it: {expected[:60]}")
    if Path(path).stem == LEDGER:
        for expected in map(ledger.lines, papers.values()):
            if expected not in [text.strip() for text in shown]:
                wrong.append(f"not as the records have it: {expected[:60]}")
    for text in shown:
        wrong += [line for line in text.splitlines() if (name := re.match(r"\*\*([\w-]+)\*\*: .* \*\w", line))
                  and name.group(1) in reasons and line.strip() != reasons[name.group(1)]]  # fmt: skip
        wrong += [match.group() for match in TALLY.finditer(text) if wrong_in_prose(match.group(), found, paper)]
    return wrong


def wrong_on_page(path, found):
    """All that a page, a notebook or Markdown, says otherwise than the verdicts."""
    path = Path(path)
    if path.suffix != ".ipynb":
        return wrong_in_prose(path.read_text(), found)
    prose = "\n\n".join("".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown")
    return wrong_in_prose(prose, found, PAGES.get(path.stem)) + wrong_in_outputs(path, found)


def cells(path):
    return json.loads(Path(path).read_text())["cells"]


def outputs(cell):
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        yield "".join(output.get("text") or data.get("text/markdown") or data.get("text/plain") or "")
