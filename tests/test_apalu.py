"""The verdicts on APALU that need no record, and the rule that they added."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from adaptact import Store, claims
from adaptact.claims.calculus import fall, kinks, monotone
from adaptact.functional import apalu


@pytest.mark.parametrize(("a", "b"), [(0.55, 0.065), (0.55, 0.851 * 0.55), (0.2, 1.0), (2.0, 2.0)])
def test_apalu_has_one_kink_with_the_slopes_b_and_one_and_a_half_a(a, b):
    ((place, slopes),) = kinks(partial(apalu, a=a, b=b)).items()
    assert place == pytest.approx(0, abs=1e-6)
    assert slopes == pytest.approx((b, 1.5 * a), abs=1e-6)


@pytest.mark.parametrize("a", [0.1, 0.55, 2.0])
def test_the_kink_is_gone_where_b_is_one_and_a_half_a_and_nowhere_near(a):
    assert kinks(partial(apalu, a=a, b=1.5 * a)) == {}
    assert len(kinks(partial(apalu, a=a, b=1.5 * a + 0.01))) == len(kinks(partial(apalu, a=a, b=1.5 * a - 0.01))) == 1


@pytest.mark.parametrize(
    ("function", "depth", "place"),
    [
        (apalu, 0, None),
        (F.relu, 0, None),
        (torch.tanh, 0, None),
        (F.gelu, 0.16997, -0.752),
        (lambda x: -x, 300, 150),
        (lambda x: x - 1e-6 * F.relu(x - 10) - F.relu(x - 10), 140e-6, 150),  # no step of it is above 1e-9
    ],
)
def test_how_far_a_function_falls(function, depth, place):
    found = fall(function)
    assert found[0] == pytest.approx(depth, rel=1e-4, abs=1e-12)
    if place is not None:
        assert found[1] == pytest.approx(place, abs=2e-3)


@pytest.mark.parametrize(
    ("functions", "verdict"),
    [
        ({"APALU": apalu, "ReLU": F.relu}, "holds"),
        ({"GELU": F.gelu}, "does not hold"),
        ({"APALU": apalu, "GELU": F.gelu}, "holds in part"),
        ({"negative a": partial(apalu, a=-0.55)}, "does not hold"),
        ({"negative b": partial(apalu, b=-0.065)}, "does not hold"),
    ],
)
def test_monotone_can_give_each_verdict(functions, verdict):
    found = monotone(functions)(None)
    assert (found.verdict, found.profile) == (verdict, "computed")
    assert found.ours == ("monotone" if verdict == "holds" else "not monotone")
    assert ("0.17 at −0.752 (GELU)" in found.reason) == ("GELU" in functions)


def test_the_claim_needs_no_record(tmp_path):
    found = {claim.id: verdict for claim, verdict in claims.judge(Store(tmp_path), "apalu").items()}
    verdict = found["apalu-differentiable"]
    assert (verdict.verdict, verdict.ours, verdict.profile, verdict.n) == ("holds in part", "1 kink", "computed", 0)
    assert "0.065 and 0.825 at 0 (a 0.55, b 0.065)" in verdict.reason
    assert "monotone: holds" in verdict.reason
    assert "b = 1.5 a)" not in verdict.reason, "there the slopes agree"
