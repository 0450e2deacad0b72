"""The arena's statistics: against published and hand-computed cases, and over made-up records whose right answers are known."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from scipy import stats
from statsmodels.stats.multitest import multipletests
from test_records import record_of

from adaptact import UserError, activations, contest, register
from adaptact.contest import figures, ranks, tuning
from adaptact.experiments import arena
from adaptact.experiments.arena import CORE, MLPS, RATES, ROWS, SETTINGS, TUNING_SEED, tuning_seeds
from adaptact.training import build_model

TWO, TUNING = MLPS[:2], tuning_seeds(MLPS[0])
NOTHING = object()


class Made:
    """A store whose records are made up: `world` says of a setting, a row and a rate how a run fares, or that it has no record."""

    def __init__(self, world, names=()):
        self.world, self.places = world, {}
        for setting, row in arena.entries(SETTINGS, names):
            for rate in RATES:
                run = arena.run(row, setting, rate)
                self.places[replace(run, **arena.at_laptop(rate))] = setting, row, rate

    def get(self, run):
        place = self.places.get(replace(run, seed=42))
        given = NOTHING if place is None else self.world(*place, run.seed)
        if given is NOTHING:
            return None
        if given is None:
            return record_of(run, status="diverged", curves={"validation_accuracy": [None], "seconds": [9.0]}, scores={})
        held_out, test = given if isinstance(given, tuple) else (given, given)
        curves = {
            "validation_accuracy": [held_out - 1, held_out],
            "test_accuracy": [test - 1, test],
            "seconds": [2.0, 1.0 + run.seed],
        }
        best = {"epoch": 2, "test_accuracy": test}
        return record_of(
            run, curves=curves, scores={"best_validation": best, "best_test": best, "last": {**best, "test_accuracy": test - 3}}
        )


def noise(*of):
    """A small number that looks random and is the same each time."""
    return float(np.random.default_rng(list("/".join(map(str, of)).encode())).normal(scale=0.5))


def usual(setting, row, rate, seed):
    """GELU is 5 points above ReLU, tanh 5 below, all others level; the middle rate is best but for ELU."""
    gain = {"GELU": 5, "tanh": -5}.get(row, 0) + noise(setting, row, seed)
    best = RATES[2] if row == "ELU" else RATES[1]
    return 60 + gain - 4 * (rate != best)


@pytest.fixture(scope="module")
def found():
    return contest.collect("laptop", Made(usual), TWO)


# Demšar (2006), table 6: the ranks of four variants of C4.5 by AUC on 14 data sets.
PUBLISHED = pd.DataFrame(
    [
        [4, 3, 2, 1],
        [1, 2, 3, 4],
        [4, 1, 2, 3],
        [4, 1, 3, 2],
        [4, 2, 3, 1],
        [1, 2.5, 4, 2.5],
        [3, 2, 4, 1],
        [2.5, 2.5, 4, 1],
        [4, 3, 2, 1],
        [2.5, 2.5, 2.5, 2.5],
        [4, 2.5, 1, 2.5],
        [3, 2, 4, 1],
        [4, 1, 2, 3],
        [3, 1, 4, 2],
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)


def test_demsars_worked_example():
    pytest.importorskip("scikit_posthocs")
    got = ranks.rank(-PUBLISHED)  # a better one has more there, and a lower rank
    assert got.ranks.equals(PUBLISHED)
    assert got.mean.round(3).to_dict() == {"C4.5+m+cf": 1.964, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5": 3.143}
    # He leaves ties out of account, scipy corrects for them: by 1 less the sum of t**3 - t over all ties of t.
    ties = 1 - (3 * (2**3 - 2) + (4**3 - 4)) / (14 * (4**3 - 4))
    assert got.chi2 * ties == pytest.approx(9.28, abs=0.01)
    assert 13 * got.chi2 * ties / (14 * 3 - got.chi2 * ties) == pytest.approx(3.69, abs=0.01)
    assert got.critical == pytest.approx(1.25, abs=0.005)
    assert got.told_apart == [], "he finds Nemenyi's test too weak to tell any pair apart at 5 %"


def test_ranks_against_scipy_on_a_table_without_ties():
    pytest.importorskip("scikit_posthocs")
    table = pd.DataFrame(np.random.default_rng(3).normal([0, 0, 0, 2, 4], size=(8, 5)), columns=list("abcde"))
    got = ranks.rank(table)
    by_hand = np.array([stats.rankdata(-line) for line in table.to_numpy()])
    assert np.array_equal(got.ranks, by_hand)
    chi2 = 12 * 8 / (5 * 6) * ((by_hand.mean(0) ** 2).sum() - 5 * 6**2 / 4)
    assert got.chi2 == pytest.approx(chi2)
    assert got.p == pytest.approx(stats.chi2.sf(chi2, 4))
    assert got.f == pytest.approx(7 * chi2 / (8 * 4 - chi2))
    assert got.p_f == pytest.approx(stats.f.sf(got.f, 4, 4 * 7))
    assert got.agreement == pytest.approx(chi2 / (8 * 4))
    critical = 2.728 * np.sqrt(5 * 6 / (6 * 8))  # Demšar's table 5 (a)
    assert got.critical == pytest.approx(critical, abs=0.001)
    for a, b in [("a", "e"), ("a", "d"), ("b", "c")]:
        assert ((a, b) in got.told_apart or (b, a) in got.told_apart) == (abs(got.mean[a] - got.mean[b]) > critical)
    assert ("e", "a") in got.told_apart


@pytest.mark.parametrize("shape", [(1, 5), (8, 2), (0, 0)])
def test_too_little_to_rank(shape):
    assert ranks.rank(pd.DataFrame(np.zeros(shape))) is None


def test_nothing_differs_anywhere():
    pytest.importorskip("scikit_posthocs")
    got = ranks.rank(pd.DataFrame(np.ones((4, 3)), columns=list("abc")))
    assert np.isnan(got.chi2)
    assert got.mean.tolist() == [2, 2, 2]
    assert got.told_apart == []


def test_a_missing_library_is_said_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "scikit_posthocs", None)
    with pytest.raises(UserError, match=r"^the test of ranks needs scikit-posthocs: pip install 'adaptact\[book\]'\.$"):
        ranks.rank(-PUBLISHED)


def test_the_frame_of_scores(found):
    assert len(found) == 2 * len(ROWS) * 5
    assert set(found["seed"]) == set(arena.SEEDS)
    rate = found.groupby("row")["rate"].unique()
    assert rate["ELU"] == [RATES[2]]
    assert rate["GELU"] == [RATES[1]]
    line = found[(found["row"] == "GELU") & (found["seed"] == 42)].iloc[0]
    assert line["test"] == pytest.approx(usual(line["setting"], "GELU", RATES[1], 42)), "after the epoch held-out images choose"
    assert line["last"] == pytest.approx(line["test"] - 3)
    assert line["seconds"] == 2.0, "the fastest epoch"


def test_differences_in_a_setting_are_paired_tests_corrected_over_the_whole_table(found):
    compared = contest.compare(found)
    assert len(compared) == 2 * len(ROWS)
    line = compared.loc[(TWO[0], "GELU")]
    own, base = (np.array([usual(TWO[0], row, RATES[1], seed) for seed in arena.SEEDS]) for row in ("GELU", "ReLU"))
    reference = stats.ttest_rel(own, base)
    assert line["difference"] == pytest.approx((own - base).mean())
    assert line["p"] == pytest.approx(reference.pvalue)
    assert (line["difference_low"], line["difference_high"]) == pytest.approx(tuple(reference.confidence_interval()))
    assert line["d_z"] == pytest.approx(reference.statistic / np.sqrt(5))
    assert line["mean"] == pytest.approx(own.mean())
    assert compared.loc[(TWO[0], "ReLU"), ["difference", "p", "p_holm", "d_z"]].isna().all()
    tested = compared[compared["p"].notna()]
    assert len(tested) == 2 * (len(ROWS) - 1)
    assert tested["p_holm"].tolist() == pytest.approx(multipletests(tested["p"], method="holm")[1].tolist())
    assert compared["edge"].groupby("row").all().pipe(lambda of: list(of[of].index)) == ["ELU"]
    assert contest.compare(found, value="last").loc[(TWO[0], "GELU"), "difference"] == pytest.approx(line["difference"])


def test_pairs_over_settings_count_a_setting_once():
    def world(setting, row, rate, seed):
        far = {"LEAF as SiLU": 1 + MLPS.index(setting), "PReLU": -2}.get(row, 0) if setting in MLPS else NOTHING
        return far if far is NOTHING else 50 + far + 0.01 * (seed % 3) * (row == "PReLU") - (rate != RATES[1])

    found = contest.collect("laptop", Made(world))
    got = contest.pooled(found, [("LEAF as SiLU", "SiLU"), ("PReLU", "ReLU"), ("SiLU, wider", "SiLU")])
    assert list(got.index) == [("LEAF as SiLU", "SiLU"), ("PReLU", "ReLU")], "no setting has the control"
    line = got.loc[("LEAF as SiLU", "SiLU")]
    assert (line["settings"], line["mean"], line["above"]) == (4, 2.5, 4)
    low, high = stats.t.interval(0.95, 3, loc=2.5, scale=stats.sem([1, 2, 3, 4]))
    assert (line["low"], line["high"]) == pytest.approx((low, high))
    assert line["p"] == pytest.approx(stats.wilcoxon([1, 2, 3, 4]).pvalue) == pytest.approx(2 / 2**4)
    assert line["p_holm"] == pytest.approx(2 * 2 / 2**4)
    assert (got["surely_above"].tolist(), got["surely_below"].tolist()) == ([4, 0], [0, 4])
    assert got["same_rate"].tolist() == [4, 4]
    assert got["mean_same_rate"].tolist() == pytest.approx(got["mean"].tolist())


def test_differences_at_two_rates_are_told_from_those_at_one():
    def world(setting, row, rate, seed):
        best = RATES[2] if (setting, row) == (TWO[0], "SiLU") else RATES[1]
        return 50 - 6 * (rate != best) * (seed in TUNING) - 3 * (rate == RATES[2]) * (seed not in TUNING)

    line = contest.pooled(contest.collect("laptop", Made(world), TWO), [("AHAF as SiLU", "SiLU")]).iloc[0]
    assert (line["mean"], line["same_rate"], line["mean_same_rate"]) == (1.5, 1, 0)


def test_a_run_that_diverged_counts_as_guessing():
    def world(setting, row, rate, seed):
        return None if row == "sine" and (seed == 42 or rate == RATES[0]) else 50 + noise(row, seed) - (rate != RATES[1])

    store = Made(world)
    compared = contest.compare(contest.collect("laptop", store, TWO))
    line = compared.loc[(TWO[0], "sine")]
    rest = [50 + noise("sine", seed) for seed in arena.SEEDS if seed != 42]
    assert (line["n"], line["diverged"]) == (5, 1)
    assert line["mean"] == pytest.approx(np.mean([10, *rest]))
    assert "(1 diverged)" in contest.shown(compared)[0].loc["sine", TWO[0]]
    trials = tuning.tuned("laptop", store, TWO)
    assert (
        trials[(trials["row"] == "sine") & (trials["rate"] == RATES[0])][["held_out", "test"]].to_numpy().tolist() == [[0, 10]] * 6
    )


def test_rows_and_settings_may_be_missing():
    def world(setting, row, rate, seed):
        lacks = setting == MLPS[3] or (setting, row) == (MLPS[0], "SiLU") or (setting == MLPS[1] and row == "ReLU")
        return NOTHING if lacks or (row == "ELU" and seed in (42, 100)) else usual(setting, row, rate, seed)

    store, five = Made(world), (*MLPS, "KerasNet, Fashion-MNIST")
    found = contest.collect("laptop", store, five)
    compared = contest.compare(found)
    assert MLPS[3] not in set(found["setting"])
    assert (MLPS[0], "SiLU") not in compared.index
    assert compared.loc[MLPS[1], "difference"].isna().all(), "there is no ReLU to compare with"
    assert compared.loc[(MLPS[0], "ELU"), "n"] == 3
    shown = contest.shown(compared)
    assert shown[0].loc["SiLU", MLPS[0]] == "–"
    means = contest.means(found)
    assert set(ranks.complete(means)) == set(CORE) - {"SiLU", "ReLU"}, "what all settings have"
    assert MLPS[0] not in ranks.complete(means, CORE).index
    assert contest.costs(found).loc[MLPS[1], "times"].isna().all()
    assert tuning.worth_of_tuning(tuning.tuned("laptop", store, five), found)["rows"][MLPS[0]] == len(ROWS) - 1


def test_one_setting_alone_and_none():
    found = contest.collect("laptop", Made(usual), TWO[:1])
    assert ranks.rank(contest.means(found)) is None
    line = contest.pooled(found, [("PReLU", "ReLU")]).iloc[0]
    assert line["settings"] == 1
    assert line[["low", "p", "p_holm"]].isna().all()
    empty = contest.collect("laptop", Made(lambda *of: NOTHING))
    assert len(empty) == len(contest.compare(empty)) == len(contest.pooled(empty, contest.STARTS)) == len(contest.costs(empty)) == 0


def test_one_seed_has_no_interval():
    compared = contest.compare(contest.collect("laptop", Made(usual), TWO, seeds=[42]))
    assert compared[["low", "difference_low", "p", "p_holm", "d_z"]].isna().all(axis=None)
    assert contest.shown(compared)[1].loc["GELU", TWO[0]].startswith("+")


def test_costs_are_the_fastest_epochs_and_counted_numbers(found):
    spent = contest.costs(found).loc[TWO[0]]
    assert spent.loc["PReLU"].to_dict() == {"seconds": 2.0, "added": 3 * 128, "times": 1.0}
    assert spent.loc["GELU", "added"] == 0
    wider, plain, leaf = (arena.run(row, "LeNet-5, Fashion-MNIST") for row in ("SiLU, wider", "ReLU", "LEAF as SiLU"))
    count = {run: sum(of.numel() for of in build_model(run).parameters()) for run in (wider, plain, leaf)}
    for run in count:
        assert contest.added_numbers(run, "LeNet-5, Fashion-MNIST") == count[run] - count[plain]
    assert abs(count[wider] - count[leaf]) < 0.002 * count[leaf]


def test_what_tuning_is_worth():
    def world(setting, row, rate, seed):
        # Held-out images promise ELU two points at the highest rate; test images give one. All others are best in the middle.
        gain = ROWS.index(row) if row in ROWS else 0
        high = row == "ELU" and rate == RATES[2]
        loss = 0 if rate == RATES[1] else -2 if high else 3
        return 50 + gain - loss, 50 + gain + (1 if high else -max(loss, 0)) + 0.1 * (seed % 2) * (row == "ELU")

    store = Made(world)
    trials, found = tuning.tuned("laptop", store, TWO), contest.collect("laptop", store, TWO)
    assert len(trials) == 2 * len(ROWS) * 3 * 3
    assert trials["chosen"].sum() == 2 * len(ROWS) * 3
    loss = tuning.sensitivity(trials)
    assert loss.loc["ELU"].tolist() == [5, 2, 0, 2]
    assert loss.loc["GELU"].tolist() == [3, 0, 3, 2]
    worth = tuning.worth_of_tuning(trials, found).loc[TWO[0]]
    assert (worth["rows"], worth["moved"]) == (len(ROWS), 1)
    assert worth["gain"] == pytest.approx(1 / len(ROWS))
    assert worth["tau_seeds"] == pytest.approx(1, abs=0.02)
    middle = contest.collect("laptop", store, TWO, rates={})
    assert set(middle["rate"]) == {RATES[1]}
    gains = tuning.gains(found, middle)
    assert list(gains.index) == [(setting, "ELU") for setting in TWO]
    assert gains["gain"].tolist() == pytest.approx([1, 1])
    same = tuning.agreement(found, middle)
    a, b = (contest.means(of).loc[TWO[0]] for of in (found, middle))
    assert same[TWO[0]] == pytest.approx(stats.kendalltau(a, b).statistic)


def test_one_seed_may_choose_another_rate_than_three():
    def world(setting, row, rate, seed):
        lucky = row == "Mish" and rate == RATES[2] and seed == TUNING_SEED
        return 60 + 2 * lucky - (rate == RATES[0]) - 2.5 * (rate == RATES[2] and not lucky) + 0.01 * noise(row, seed)

    store = Made(world)
    trials, found = tuning.tuned("laptop", store, TWO), contest.collect("laptop", store, TWO)
    each = tuning.chosen_by_each(trials)
    assert each.loc[(TWO[0], "Mish")].tolist() == [RATES[2], RATES[1], RATES[1]]
    assert (each.drop("Mish", level="row") == RATES[1]).all(axis=None)
    assert set(found["rate"]) == {RATES[1]}, "over three seeds the middle rate is best"
    rates = tuning.first_seed_rates(trials)
    one = contest.collect("laptop", store, TWO, rates={"laptop": rates})
    lost = tuning.gains(one, found)
    assert list(lost.index) == [(setting, "Mish") for setting in TWO]
    assert lost["gain"].tolist() == pytest.approx([-2.5, -2.5])


def test_a_row_whose_rate_is_not_chosen_yet_is_left_out():
    def world(setting, row, rate, seed):
        return NOTHING if (row, rate, seed) == ("sine", RATES[0], TUNING_SEED) else usual(setting, row, rate, seed)

    store = Made(world)
    assert set(contest.collect("laptop", store, TWO)["row"]) == set(ROWS) - {"sine"}
    assert set(contest.collect("laptop", store, TWO, rates={})["row"]) == set(ROWS)


def test_an_added_activation_is_in_everything_and_marked():
    pytest.importorskip("scikit_posthocs")
    if "contest_bent" not in activations.names():
        register("contest_bent")(lambda x: torch.where(x > 0, x, 0.5 * x))
    names = ("contest_bent",)
    store = Made(
        lambda setting, row, rate, seed: (
            70 + noise(row, seed) - (rate != RATES[1]) if row in names else usual(setting, row, rate, seed)
        ),
        names,
    )
    found, trials = (of("laptop", store, TWO, names) for of in (contest.collect, tuning.tuned))
    label = "contest_bent (added)"
    compared = contest.compare(found)
    assert compared.loc[(TWO[0], label), "p_holm"] < 0.05
    assert contest.shown(compared)[1].loc[label, TWO[0]].endswith("*")
    assert ranks.rank(ranks.complete(contest.means(found), [*CORE, label])).mean.index[0] == label
    assert label in tuning.sensitivity(trials).index
    assert label in contest.costs(found).loc[TWO[0]].index
    assert contest.pooled(found, [(label, "ReLU")])["above"].item() == 2
    assert figures.kind(label) == "added"


@pytest.fixture(scope="module")
def drawn(found):
    plt.switch_backend("agg")
    yield found
    plt.close("all")


def test_the_heat_map_says_every_difference(drawn):
    figure = figures.draw_heat_map(contest.compare(drawn))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(texts) == 2 * (len(ROWS) - 1)
    assert any(text.startswith("+") and text.endswith("●") for text in texts), "GELU is significantly above"
    assert any(text.startswith("−") and text.endswith("●") for text in texts), "tanh below"
    low, high = figure.axes[0].images[0].get_clim()
    assert low == -high, "white is no difference"


def test_the_other_figures_show_what_they_are_given(drawn):
    pytest.importorskip("scikit_posthocs")
    cost = figures.draw_costs(drawn, TWO)
    names = [{text.get_text() for text in axis.texts} for axis in cost.axes]
    assert names[0] == set(ROWS)
    assert names[1] == set(arena.ADAPTIVE), "fixed functions add nothing and are not named there"
    curves = figures.draw_convergence(drawn, TWO[0], ("ReLU", "GELU", "SiLU, wider"))
    assert [line.get_label() for line in curves.axes[0].lines] == ["ReLU", "GELU"], "the control is not in this setting"
    epochs, seconds = (axis.lines[1].get_xdata() for axis in curves.axes)
    assert (list(epochs), list(seconds)) == ([1, 2], [2.0, 4.0])
    pairs = figures.draw_pooled(drawn, contest.MATCHED)
    assert len(pairs.axes[0].get_yticklabels()) == 4, "of eight pairs four have no control here"
    rates = figures.draw_sensitivity({"all": tuning.sensitivity(tuning.tuned("laptop", Made(usual), TWO))})
    assert [text.get_text() for text in rates.axes[0].get_yticklabels()] == list(ROWS)
    ranked = ranks.rank(ranks.complete(contest.means(drawn), CORE))
    spread = figures.draw_rank_spread(ranked)
    assert {text.get_text() for text in spread.axes[0].get_yticklabels()} == set(CORE)
    figure, axis = plt.subplots()
    ranks.draw_ranks(ranked, axis)
    shown = [text.get_text() for text in axis.texts]
    assert f"critical difference {ranked.critical:.1f}" in shown
    assert all(any(row in text for text in shown) for row in CORE)
    figure.canvas.draw()


def test_names_beside_points_do_not_lie_on_one_another(drawn):
    figure = figures.draw_costs(drawn, TWO)
    figure.canvas.draw()
    boxes = [figures.Text.get_window_extent(text) for text in figure.axes[1].texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
