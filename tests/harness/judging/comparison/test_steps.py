from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.judging.comparison.steps import FEWEST, find_steps


@pytest.mark.parametrize("n", [8, 20, 40])
def test_white_noise_has_hardly_ever_a_step(n: int) -> None:
    """Three hundred histories in which nothing happened."""
    random = np.random.default_rng(n)
    assert sum(bool(find_steps(random.normal(0.5, 0.01, n).tolist())) for _ in range(300)) <= 6


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_planted_steps_are_found_in_both_directions_at_their_place(direction: float) -> None:
    found = 0
    for seed in range(50):
        values = np.random.default_rng(seed).normal(0.5, 0.01, 40)
        values[25:] += direction * 0.05
        steps = find_steps(values.tolist())
        found += len(steps) == 1 and steps[0].place == 25 and np.sign(steps[0].after - steps[0].before) == direction
    assert found >= 48


def test_exact_levels_are_found_by_hand() -> None:
    assert find_steps([1.0] * 5 + [0.9] * 4 + [1.0] * 3) == [(5, 1.0, pytest.approx(0.9)), (9, pytest.approx(0.9), 1.0)]


def test_one_run_off_the_line_a_constant_history_and_a_short_one_have_no_step() -> None:
    assert find_steps([1.0] * 10 + [0.5] + [1.0] * 10) == []
    assert find_steps([0.3] * 50) == []
    assert find_steps([0.0] * 3 + [1.0] * (FEWEST - 4)) == []


def test_places_of_a_long_history_count_from_its_beginning() -> None:
    (step,) = find_steps([0.0] * 450 + [1.0] * 10)
    assert step.place == 450
