"""The ledger: each claim complete, verdicts that keep to their thresholds, and pages that say what the records say."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from prose import wrong_in_prose, wrong_on_page

from adaptact import Store, UserError, claims
from adaptact.__main__ import main
from adaptact.claims import ledger
from adaptact.claims.pages import VERDICTS_OF
from adaptact.experiments import EXPERIMENTS

BOOK = [*sorted((ROOT / "notebooks").rglob("*.ipynb")), *sorted((ROOT / "book").glob("*.md")), ROOT / "README.md"]
BENCHMARKS = {"bench", "bench depth"}


class Asked(claims.Evidence):
    """Evidence that remembers what it was asked for."""

    def __init__(self, store):
        super().__init__(store)
        self.experiments = set()

    def records(self, experiment, column, row, profile):
        self.experiments.add(experiment)
        return super().records(experiment, column, row, profile)


@pytest.fixture(scope="module")
def judged():
    """All verdicts on the committed records, as the pages were made, without a GPU, and what each rule asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        evidence, found, asked = Asked(Store(ROOT / "results")), {}, {}
        for claim in claims.CLAIMS.values():
            evidence.experiments = asked[claim.id] = set()
            found[claim] = claim.rule(evidence)
    return evidence, found, asked


@pytest.fixture(scope="module")
def found(judged):
    return judged[1]


def test_each_claim_is_complete(found):
    assert ledger.counts(found)["claims"].tolist() == [18, 5, 11, 13, 13, 60]
    for claim, verdict in found.items():
        entry = claims.as_dict(claim, verdict)
        assert entry["tested_by"], claim.id
        assert set(entry["tested_by"]) <= {*EXPERIMENTS, *BENCHMARKS, "calculus"}, claim.id
        assert entry["rule"].startswith("Holds if "), claim.id
        assert not set("{}") & set(entry["rule"]), claim.id
        assert (ROOT / entry["page"]).is_file(), claim.id
        assert entry["reason"], claim.id
        assert not verdict.n or (verdict.profile and verdict.hardware), claim.id
        assert (verdict.verdict == "undecided") == (entry["waits"] is not None), claim.id


def test_what_tests_a_claim_is_what_its_rule_asks_for(judged):
    for claim in judged[1]:
        assert set(claim.tested_by) & set(EXPERIMENTS) == judged[2][claim.id], claim.id


def test_thresholds_move_only_what_names_them(judged):
    evidence, found, _ = judged
    for claim, verdict in found.items():
        if claim.uses("margin"):
            assert claim.rule(evidence.at(margin=3)).reason != verdict.reason
    strict, mild = (ledger.moved(found, evidence, "alpha", [alpha])[alpha] for alpha in (1e-9, 0.2))
    assert (strict == "undecided").sum() > (mild == "undecided").sum()
    assert evidence.alpha == 0.05, "the evidence itself keeps its own"
    other = evidence.at(alpha=0.2, margin=3)
    still = [claim for claim in found if claim.tested_by == ("calculus",) and not claim.uses("alpha")]
    assert still
    assert all(claim.rule(other) == found[claim] for claim in still)


@pytest.mark.parametrize(("threshold", "value"), [("alpha", 0), ("alpha", 1.5), ("margin", -1), ("margin", float("nan"))])
def test_a_senseless_threshold_is_refused(tmp_path, threshold, value):
    with pytest.raises(UserError, match=f"^{threshold} is .*such as"):
        claims.judge(Store(tmp_path), "leaf", **{threshold: value})


def test_the_command_takes_thresholds(tmp_path, capsys):
    assert main(["claims", "--paper", "pltanh", "--json", "--alpha", "0.01", "--results", str(tmp_path)]) == 0
    rules = {entry["id"]: entry["rule"] for entry in json.loads(capsys.readouterr().out)}
    assert "(1 %, Holm" in rules["pltanh-f1"]
    assert "99 % interval" in rules["pltanh-cifar"]
    assert main(["claims", "--alpha", "five"]) == 2
    assert "alpha is 'five': give a number." in capsys.readouterr().err


def test_the_front_page_has_the_verdicts_of_the_records(found):
    text = (ROOT / "book" / "ledger.html").read_text()
    assert text == ledger.glance(found) + "\n", "python book/build.py ledger"
    assert "\n\n" not in text, "an empty line would end the HTML in Markdown"
    assert "{include} ledger.html" in (ROOT / "book" / "intro.md").read_text()
    assert text.count('class="chip v') == 60


def test_no_page_says_otherwise_than_the_records(found):
    assert {path.name: wrong for path in BOOK if (wrong := wrong_on_page(path, found))} == {}


def planted(tmp_path, name, old, new):
    path = Path(shutil.copy(ROOT / name, tmp_path))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("notebooks/19-leaf-claims.ipynb", "**undecided** | +6.69", "**holds** | +6.69"),  # a verdict in an output
        ("notebooks/19-leaf-claims.ipynb", "+0.41 [+0.268", "+0.51 [+0.268"),  # a number in an output
        ("notebooks/19-leaf-claims.ipynb", "ten hold in part", "nine hold in part"),  # a count in the prose
        ("notebooks/19-leaf-claims.ipynb", "None of the 18", "None of the 17"),
        ("notebooks/33-pltanh-claims.ipynb", "Five do not hold", "Four do not hold"),
        ("notebooks/46-imbalance-claims.ipynb", "*Three are undecided*", "*Two are undecided*"),
        ("notebooks/46-imbalance-claims.ipynb", "makes thirteen claims", "makes twelve claims"),
        ("notebooks/36-apalu-svdd.ipynb", "*Undecided*: a printed", "*Holds*: a printed"),  # a verdict beside its evidence
        ("notebooks/60-ledger.ipynb", "24 hold in part", "25 hold in part"),
        ("notebooks/60-ledger.ipynb", "60 claims two hold", "60 claims three hold"),
        ("notebooks/60-ledger.ipynb", "holds in part 10, does not hold 1", "holds in part 11, does not hold 1"),
        ("book/intro.md", "a verdict on 18 claims", "a verdict on 19 claims"),
    ],
)
def test_what_is_planted_is_found(tmp_path, found, name, old, new):
    assert wrong_on_page(planted(tmp_path, name, old, new), found)


def test_sentences_on_single_claims(found):
    assert not wrong_in_prose("So leaf-tanh-gain is undecided, while imb-elu holds.", found)
    assert wrong_in_prose("So leaf-tanh-gain holds.", found)
    assert wrong_in_prose("pltanh-flow holds in part.", found)
    assert wrong_in_prose("Of its claims, 18 claims: holds 3, holds in part 7, does not hold 1, undecided 7.", found)
    assert not wrong_in_prose("The margin holds for a run.", found), "no claim is named"


def test_every_paper_has_its_page(found):
    assert set(VERDICTS_OF) == set(ledger.by_paper(found)) == set(ledger.TITLES)
