"""Statistics against scipy and known values."""

import pytest
from scipy import stats as scipy_stats

from adaptact.stats import estimate, holm, paired


def test_intervals_and_paired_tests_are_scipys():
    ours, base = {1: 3.1, 2: 4.7, 3: 2.2, 4: 5.0, 9: 1.0}, {1: 2.9, 2: 3.9, 3: 2.3, 4: 4.1, 8: 0.0}
    got = paired(ours, base)
    reference = scipy_stats.ttest_rel([3.1, 4.7, 2.2, 5.0], [2.9, 3.9, 2.3, 4.1])
    interval = reference.confidence_interval()
    assert got.n == 4
    assert got.p == pytest.approx(reference.pvalue)
    assert (got.low, got.high) == pytest.approx((interval.low, interval.high))


def test_what_has_no_interval_or_test():
    one = estimate([2.0], test=True)
    assert (one.mean, one.low, one.high, one.n, one.p) == (2.0, None, None, 1, None)
    same = estimate([2.0, 2.0], test=True)
    assert (same.low, same.high, same.p) == (2.0, 2.0, None)
    assert paired({1: 1.0}, {2: 1.0}) is None
    with pytest.raises(ValueError, match="no values"):
        estimate([])


def test_holm():
    assert holm([0.01, 0.04, 0.03, None]) == pytest.approx([0.03, 0.06, 0.06, None])
    assert holm([None]) == [None]
    assert holm([]) == []
