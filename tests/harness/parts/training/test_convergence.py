from __future__ import annotations

import math

import pytest
from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.training.convergence import require_progress, summarise

FALLING = [1.0 / (step + 1) for step in range(100)]
NORMS = [0.5] * 100


def test_convergence_by_hand() -> None:
    found = summarise([4.0] * 10 + [1.0] * 90, [3.0] * 90 + [1.0] * 10, 1.0, constant=2.0, phase="latents")
    assert (found.first, found.last, found.ratio, found.plateau) == (4.0, 1.0, 0.25, True)
    assert (found.grad_norm, found.steps, found.constant) == (1.0, 100, 2.0)
    assert len(found.loss) == 50
    assert found.as_json()["loss_ratio"] == 0.25


def test_falling_loss_is_no_plateau() -> None:
    assert not summarise([1 - 0.005 * step for step in range(100)], NORMS, 0.5).plateau


def test_gradient_norms_are_told_apart_by_part() -> None:
    found = summarise(FALLING, NORMS, 0.5, by_part={"enhancer": [9.0] * 90 + [2.0] * 10, "head": [0.0] * 10})
    assert found.grad_norms == {"enhancer": 2.0, "head": 0.0}


@pytest.mark.parametrize(("losses", "norms"), [([*FALLING[:-1], math.nan], NORMS), (FALLING, [math.inf, *NORMS[1:]])])
def test_what_is_not_finite_is_a_failed_fit(losses: list[float], norms: list[float]) -> None:
    with pytest.raises(FitError, match=r"^the fit diverged: (loss nan at step 99|gradient norm inf at step 0) of 100$"):
        summarise(losses, norms, 0.5)


def test_loss_that_does_not_fall_and_is_above_the_constant_answer_is_a_failed_fit() -> None:
    with pytest.raises(FitError, match=r"made no progress: loss 0\.7 at its start, 0\.7 .* constant answer has 0\.2"):
        require_progress(0.7, 0.7, 25, 0.2)


def test_loss_that_does_not_fall_is_a_failed_fit_where_no_constant_answer_is_known() -> None:
    with pytest.raises(FitError, match="made no progress"):
        require_progress(0.7, 0.7, 25, None)


def test_loss_that_rises_tenfold_has_diverged_although_it_is_finite() -> None:
    with pytest.raises(FitError, match=r"the fit diverged: loss 0\.7 at its start, 70 after 25 steps"):
        require_progress(0.7, 70.0, 25, 0.2)


def test_features_with_nothing_to_learn_are_no_failure() -> None:
    require_progress(0.2, 0.201, 25, 0.2)


def test_a_phase_that_begins_where_it_ends_is_no_failure() -> None:
    require_progress(0.1, 0.1001, 25, 0.2)
