"""How many samples a decision takes."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics.mean_interval import mean_interval
from foresight_harness.parts.statistics.planning import least_n, needed_n


@pytest.mark.parametrize(("bound", "expected"), [(0.5, 24), (0.85, 24), (0.9, 36), (0.95, 72), (1.0, None), (0.0, 24)])
def test_least_n_is_the_number_with_which_perfect_scores_pass(bound: float, expected: int | None) -> None:
    assert least_n(bound, (0.0, 1.0), "higher") == expected


@pytest.mark.parametrize("bound", [0.9, 0.95, 0.97])
def test_perfect_scores_pass_with_least_n_and_not_with_one_less(bound: float) -> None:
    count = least_n(bound, (0.0, 1.0), "higher")
    lows = [mean_interval(np.ones(n), [str(i) for i in range(n)], (0.0, 1.0)).low for n in (count - 1, count)]
    assert lows[0] <= bound < lows[1]


def test_lower_is_better_is_the_mirror_image_and_no_range_leaves_the_floor() -> None:
    assert least_n(0.05, (0.0, 1.0), "lower") == least_n(0.95, (0.0, 1.0), "higher")
    assert least_n(30.0, (0.0, None), "higher") == 24


def test_a_distance_that_is_mostly_noise_is_not_taken_at_its_word() -> None:
    """At one standard error the naive plan asks for 7.85 times as many."""
    assert needed_n(0.1, 0.196, 40) > 40 * 7.85
    assert needed_n(0.5, 0.196, 40) < needed_n(0.2, 0.196, 40) < needed_n(0.1, 0.196, 40)


def test_a_sure_distance_needs_what_the_power_formula_says_for_its_lower_end() -> None:
    """Ten standard errors away, surely 8.72: (1.96 + 0.84)^2 / 8.72^2 of 1,000."""
    assert needed_n(1.0, 0.196, 1000) == pytest.approx(1000 * (2.8016 / 8.7184) ** 2, rel=0.01)


def test_no_more_are_asked_for_than_settle_the_least_distance_that_matters() -> None:
    assert needed_n(0.001, 0.196, 40, least_distance=0.05) == pytest.approx(40 * (3.2415 * 0.1 / 0.05) ** 2, abs=1)
    assert needed_n(-0.001, 0.196, 40, least_distance=0.05) == needed_n(0.001, 0.196, 40, least_distance=0.05)


def test_an_interval_without_width_plans_nothing() -> None:
    with pytest.raises(ValueError, match="an interval with a width"):
        needed_n(0.1, 0.0, 40)


def test_three_of_four_redraws_are_settled_where_the_truth_is_five_hundredths_away() -> None:
    random = np.random.default_rng(0)
    settled, asked = 0, 0
    while asked < 60:
        pilot = mean_interval(random.beta(1.5, 1.5, 40), [str(i) for i in range(40)], (0.0, 1.0))
        if not pilot.low <= 0.45 <= pilot.high:
            continue
        asked += 1
        side = pilot.value - pilot.low if pilot.value > 0.45 else pilot.high - pilot.value
        size = needed_n(pilot.value - 0.45, side, 40, least_distance=0.02)
        again = mean_interval(random.beta(1.5, 1.5, size), [str(i) for i in range(size)], (0.0, 1.0))
        settled += again.low > 0.45
    assert settled >= 45
