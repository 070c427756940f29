"""Planning numbers against formulas and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import (
    Interval,
    bootstrap_mean,
    detectable_beyond,
    minimum_detectable_effect,
    paired_differences,
    samples_needed,
    samples_to_detect,
    standard_error,
)
from scipy.stats import norm


def names(count: int, size: int = 1) -> list[str]:
    return [str(index // size) for index in range(count)]


def test_standard_error_of_single_samples_is_the_textbooks() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert standard_error(values, names(50)) == pytest.approx(values.std(ddof=1) / np.sqrt(50))


def test_standard_error_knows_that_copies_say_nothing_new() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert standard_error(values.repeat(4), names(200, size=4)) == pytest.approx(standard_error(values, names(50)))
    assert np.isnan(standard_error([1.0, 2.0], ["a", "a"]))


def test_half_width_of_the_bootstrap_is_196_standard_errors() -> None:
    values = np.random.default_rng(0).normal(size=400)
    interval = bootstrap_mean(values, names(400), count=10000).interval
    assert interval is not None
    assert interval.half_width == pytest.approx(1.96 * standard_error(values, names(400)), rel=0.04)


def test_the_smallest_detectable_effect_is_detected_in_four_of_five_cases() -> None:
    random = np.random.default_rng(1)
    noise = random.normal(size=(100, 600))
    effect = minimum_detectable_effect(noise[:, 0] / noise[:, 0].std(ddof=1), names(100))
    found = paired_differences(noise + effect, np.zeros((100, 1)), names(100), tests=1)
    assert np.mean([one.p_value is not None and one.p_value <= 0.05 for one in found]) == pytest.approx(0.8, abs=0.05)


def test_more_tests_and_more_power_need_larger_effects() -> None:
    values = np.random.default_rng(0).normal(size=50)
    one = minimum_detectable_effect(values, names(50))
    assert minimum_detectable_effect(values, names(50), tests=100) > 1.4 * one
    assert minimum_detectable_effect(values, names(50), power=0.95) > 1.2 * one
    assert minimum_detectable_effect(values, names(50), alpha=0.2) < one


def test_half_the_width_needs_four_times_the_samples() -> None:
    interval = Interval(0.4, 0.6, "bootstrap-percentile-95", n=100, clusters=100)
    assert samples_needed(interval, 0.05) == 400
    assert samples_needed(interval, 0.2) == 25


def test_a_mean_on_the_bound_is_settled_by_no_number_of_samples() -> None:
    with pytest.raises(ValueError, match="lies above 0"):
        samples_needed(Interval(0.4, 0.6, "x", 100, 100), 0.0)


def test_what_a_comparison_finds_is_found_in_four_of_five_cases_after_holm_and_beyond_the_tolerance() -> None:
    """Simulated with normal errors: ten tests, and a tolerance that rules where there is one."""
    random = np.random.default_rng(2)
    interval = Interval(-0.0196, 0.0196, "bootstrap-percentile-95", 100, 100)  # a standard error of 0.01
    for tolerance in (0.0, 0.05):
        true = detectable_beyond(interval, tolerance, tests=10)
        seen = random.normal(true, 0.01, 20_000)
        found = (seen > tolerance) & (2 * norm.sf(seen / 0.01) < 0.05 / 10)
        assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_the_pictures_that_are_asked_for_are_just_enough() -> None:
    interval = Interval(-0.0196, 0.0196, "bootstrap-percentile-95", 100, 100)
    for wanted, tolerance in ((0.01, 0.0), (0.03, 0.025)):
        needed = samples_to_detect(interval, wanted, tolerance, tests=4)
        assert needed is not None
        reached = []
        for count in (needed - 1, needed):
            half = 0.0196 * np.sqrt(100 / count)
            finer = Interval(-half, half, interval.method, count, count)
            reached.append(detectable_beyond(finer, tolerance, tests=4))
        assert reached[0] > wanted >= reached[1]
    assert samples_to_detect(interval, 0.01, 0.01) is None
