"""Student's t, corrected for skewness."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics.skewed import corrected, reach, uncorrected, weaker


@pytest.mark.parametrize("bend", [-0.8, -1e-12, 0.0, 0.3, 1.5])
def test_the_inverse_undoes_the_correction(bend: float) -> None:
    values = np.linspace(-6, 6, 25)
    np.testing.assert_allclose(uncorrected(corrected(values, bend), bend), values, atol=1e-6)


def test_without_skewness_there_is_no_correction() -> None:
    away = reach((2.0, 3.0), 0.0)
    assert (float(away.below), float(away.above)) == (2.0, 3.0)


def test_values_with_a_long_upper_tail_reach_further_up_and_never_less_than_student() -> None:
    away = reach((2.0, 2.0), 0.4)
    assert float(away.above) > 2.3
    assert float(away.below) == 2.0


def test_an_interval_leaves_zero_out_exactly_where_the_weaker_statistic_passes() -> None:
    random = np.random.default_rng(0)
    statistic, bend = random.normal(0, 3, 500), random.normal(0, 0.5, 500)
    critical = 1.9
    away = reach((critical, critical), bend)
    outside = (statistic - away.below > 0) | (statistic + away.above < 0)
    np.testing.assert_array_equal(outside, weaker(statistic, bend) > critical)
