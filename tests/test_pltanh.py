"""The verdicts on PLTanh that need no record, and what they are measured with."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from adaptact import Store, claims
from adaptact.claims import calculus as rules
from adaptact.functional import pltanh

PLTANH = {"PLTanh": partial(pltanh, alpha=0.1)}
TANH = {"tanh": torch.tanh}


def steep(x):
    """tanh with a slope that goes from 0 to 1 and back within a hundredth: steep, but no kink."""
    return torch.tanh(1000 * x) / 1000


@pytest.mark.parametrize(
    ("alpha", "places"),
    [(0.01, [0, 100]), (0.1, [0, 10]), (0.4, [0, 2.464]), (0.5, [0, 1.915]), (1.0, [0]), (2.0, [0])],
)
def test_kinks_of_pltanh_and_the_slopes_beside_them(alpha, places):
    found = rules.kinks(partial(pltanh, alpha=alpha))
    assert list(found) == pytest.approx(places, abs=5e-4)
    before, after = next(iter(found.values()))
    assert (before, after) == pytest.approx((-alpha, max(1, alpha)))
    if len(places) == 2:
        place, (before, after) = list(found.items())[1]
        assert (before, after) == pytest.approx((1 - torch.tanh(torch.tensor(place)).item() ** 2, alpha), abs=1e-6)


@pytest.mark.parametrize(
    ("function", "places"),
    [(torch.tanh, []), (F.silu, []), (steep, []), (F.relu, [0]), (F.hardtanh, [-1, 1]), (lambda x: (x - 0.5).abs(), [0.5])],
)
def test_a_steep_slope_is_no_kink_and_a_kink_is_found_on_any_grid(function, places):
    assert list(rules.kinks(function)) == pytest.approx(places)


@pytest.mark.parametrize(
    ("functions", "differentiable", "bounded"),
    [
        (TANH, "holds", "holds"),
        ({"softplus": F.softplus}, "holds", "does not hold"),
        ({"hardtanh": F.hardtanh}, "does not hold", "holds"),
        (PLTANH, "does not hold", "does not hold"),
        (PLTANH | TANH, "holds in part", "holds in part"),
    ],
)
def test_each_rule_can_give_each_verdict(functions, differentiable, bounded):
    found = rules.differentiable(functions)(None), rules.bounded(functions)(None)
    assert tuple(verdict.verdict for verdict in found) == (differentiable, bounded)
    assert {verdict.profile for verdict in found} == {"computed"}


def test_a_slow_growth_is_growth():
    assert rules.bounded({"logarithm": lambda x: torch.log1p(x.abs())})(None).verdict == "does not hold"
    assert rules.bounded({"arc tangent": torch.atan})(None).verdict == "holds"


def test_neither_claim_needs_a_record(tmp_path):
    found = {claim.id: verdict for claim, verdict in claims.judge(Store(tmp_path), "pltanh").items()}
    for name in ("pltanh-differentiable", "pltanh-bounded"):
        assert (found[name].verdict, found[name].profile, found[name].n) == ("does not hold", "computed", 0)
    assert found["pltanh-differentiable"].ours == "2 kinks"
    assert "−0.01 and 1 at 0, 0 and 0.01 at 100 (alpha 0.01)" in found["pltanh-differentiable"].reason
    assert found["pltanh-bounded"].ours == "not bounded"
    assert "smooth: does not hold" in found["pltanh-bounded"].reason, "it is neither smooth nor bounded"
    assert "400 and 400,000 (alpha 0.4)" in found["pltanh-bounded"].reason


def test_what_autograd_gives_exactly_at_a_kink():
    alpha = torch.tanh(torch.tensor([2.0], dtype=torch.float64)).item() / 2  # the second kink is then at 2
    x = torch.tensor([0.0, 2.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(pltanh(x, alpha).sum(), x)
    assert slope[0] == 0.5, "not the mean of -alpha and 1"
    assert slope[1].item() == pytest.approx((1 - (2 * alpha) ** 2 + alpha) / 2)
