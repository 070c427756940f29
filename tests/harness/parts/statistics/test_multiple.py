"""Corrections by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import benjamini_hochberg, holm
from scipy import stats


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_by_hand() -> None:
    np.testing.assert_allclose(benjamini_hochberg([0.01, 0.04, 0.03, 0.005]), [0.02, 0.04, 0.04, 0.02])


def test_benjamini_hochberg_is_scipys() -> None:
    p_values = np.random.default_rng(0).random(50) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p_values), stats.false_discovery_control(p_values))


def test_adjusted_values_keep_the_order_and_end_at_one() -> None:
    p_values = np.random.default_rng(1).random(30)
    for adjusted in (holm(p_values), benjamini_hochberg(p_values)):
        assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()
        assert adjusted.max() <= 1
        assert (adjusted >= p_values).all()


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_absent_p_values_stay_absent_and_do_not_count(correct: object) -> None:
    assert callable(correct)
    adjusted = correct([0.01, None, 0.02, float("nan")])
    assert np.isnan(adjusted[[1, 3]]).all()
    np.testing.assert_allclose(adjusted[[0, 2]], correct([0.01, 0.02]))
    assert len(correct([])) == 0


def test_holm_bounds_any_false_alarm_and_benjamini_hochberg_finds_more() -> None:
    random = np.random.default_rng(2)
    noise = stats.norm.sf(random.normal(size=(400, 20)))
    any_alarm = np.mean([(holm(row) <= 0.05).any() for row in noise])
    assert any_alarm < 0.08
    signal = stats.norm.sf(random.normal(2.5, 1, size=(50, 20)))
    found = [sum((correct(row) <= 0.05).sum() for row in signal) for correct in (holm, benjamini_hochberg)]
    assert found[1] > 1.2 * found[0]


def test_values_that_are_no_p_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 1\], got 0.5 to 1.2"):
        holm([0.5, 1.2])
