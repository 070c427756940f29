from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import train
from torch import Tensor, nn

torch.set_num_threads(1)

RECIPE = Recipe(steps=60, batch=8, losses=("mse",), learning_rate=0.05)


def problem(seed: int = 0) -> tuple[nn.Linear, Tensor, Tensor]:
    torch.manual_seed(seed)
    x = torch.randn(32, 4)
    return nn.Linear(4, 1), x, x @ torch.tensor([[1.0], [2.0], [0.0], [-1.0]]) + 0.5


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_fit_converges_and_says_how(optimiser: str) -> None:
    model, x, y = problem()
    recipe = Recipe(steps=60, batch=8, losses=("mse",), learning_rate=0.05, optimiser=optimiser)
    found = train(model, lambda picked: (model(x[picked]) - y[picked]).square().mean(), len(x), recipe, seed=0)
    assert found.last < 0.2 * found.first
    assert found.steps == 60
    assert len(found.loss) <= 50
    assert not model.training


def test_one_seed_gives_one_result_and_leaves_the_global_generator_alone() -> None:
    weights = []
    for _ in range(2):
        model, x, y = problem()
        state = torch.get_rng_state()
        train(model, lambda p, m=model, x=x, y=y: (m(x[p]) - y[p]).square().mean(), len(x), RECIPE, seed=3)
        assert torch.equal(torch.get_rng_state(), state)
        weights.append(model.weight.detach().clone())
    assert torch.equal(weights[0], weights[1])


def test_the_recipes_seed_is_added_to_the_repeats() -> None:
    seen: list[list[list[int]]] = []
    for recipe, seed in ((RECIPE, 5), (Recipe(60, 8, ("mse",), learning_rate=0.05, seed=2), 3), (RECIPE, 3)):
        model, x, y = problem()
        batches: list[list[int]] = []

        def loss_of(picked, model=model, x=x, y=y, batches=batches):
            batches.append(picked)
            return (model(x[picked]) - y[picked]).square().mean()

        train(model, loss_of, len(x), recipe, seed)
        seen.append(batches)
    assert seen[0] == seen[1]
    assert seen[1] != seen[2]


def test_every_sample_is_seen_once_a_pass() -> None:
    model, x, y = problem()
    seen: list[int] = []

    def loss_of(picked):
        seen.extend(picked)
        return (model(x[picked]) - y[picked]).square().mean()

    train(model, loss_of, 32, RECIPE, seed=0)
    assert seen[-8:] == seen[:8]
    for start in range(0, 15 * 32, 32):
        assert sorted(seen[start : start + 32]) == list(range(32))


def test_gradient_norm_of_each_part_is_recorded_and_adds_up() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    _, x, y = problem()
    found = train(model, lambda p: (model(x[p]) - y[p]).square().mean(), 32, Recipe(8, 32, ("mse",)), seed=0)
    assert set(found.grad_norms) == {"0", "1"}
    assert sum(norm**2 for norm in found.grad_norms.values()) ** 0.5 == pytest.approx(found.grad_norm, rel=1e-4)


def test_nan_is_a_failed_fit_not_a_number() -> None:
    model, x, _ = problem()
    with pytest.raises(FitError, match="diverged: loss nan at step 0"):
        train(model, lambda picked: model(x[picked]).sum() * torch.nan, len(x), RECIPE, seed=0)


def test_gradient_that_is_not_finite_is_a_failed_fit() -> None:
    model, x, _ = problem()
    with pytest.raises(FitError, match=r"diverged: gradient norm nan at step 0 of 60"):
        train(model, lambda p: (model(x[p]) * 0).abs().sqrt().sum() + 1, len(x), RECIPE, seed=0)


def test_fit_without_progress_is_a_failed_fit() -> None:
    model, x, _ = problem()
    with pytest.raises(FitError, match="made no progress"):
        train(model, lambda picked: (model(x[picked]) * 0).sum() + 1.0, len(x), RECIPE, seed=0)


def test_fit_that_stands_still_is_found_in_spite_of_the_noise_between_batches() -> None:
    model, x, y = problem()
    still = Recipe(steps=20, batch=4, losses=("mse",), learning_rate=0.0)
    for seed in range(6):
        with pytest.raises(FitError, match="made no progress"):
            train(model, lambda picked: (model(x[picked]) - y[picked]).square().mean(), len(x), still, seed)


def test_module_without_parameters_is_refused() -> None:
    with pytest.raises(FitError, match="nothing to train"):
        train(nn.Identity(), lambda picked: torch.zeros(()), 8, RECIPE, seed=0)
