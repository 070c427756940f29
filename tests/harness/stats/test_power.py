"""Planning numbers against formulas and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.stats import (
    Interval,
    bootstrap_mean,
    minimum_detectable_effect,
    paired_differences,
    samples_needed,
    standard_error,
)


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
