from __future__ import annotations

import pytest
import torch
from foresight_harness.errors import FitError
from foresight_harness.fit import Recipe, train
from torch import nn

RECIPE = Recipe(steps=60, batch=8, losses=("mse",), learning_rate=0.05)


def problem(seed: int = 0) -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    x = torch.randn(32, 4)
    return nn.Linear(4, 1), x, x @ torch.tensor([[1.0], [2.0], [0.0], [-1.0]]) + 0.5


def test_fit_converges_and_says_how() -> None:
    model, x, y = problem()
    found = train(model, lambda picked: (model(x[picked]) - y[picked]).square().mean(), len(x), RECIPE, seed=0)
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


def test_every_sample_is_seen_once_a_pass() -> None:
    model, x, y = problem()
    seen: list[int] = []

    def loss_of(picked):
        seen.extend(picked)
        return (model(x[picked]) - y[picked]).square().mean()

    train(model, loss_of, 32, RECIPE, seed=0)
    for start in range(0, 15 * 32, 32):
        assert sorted(seen[start : start + 32]) == list(range(32))


def test_nan_is_a_failed_fit_not_a_number() -> None:
    model, x, _ = problem()
    with pytest.raises(FitError, match="diverged: loss nan at step 0"):
        train(model, lambda picked: model(x[picked]).sum() * torch.nan, len(x), RECIPE, seed=0)


def test_fit_without_progress_is_a_failed_fit() -> None:
    model, x, _ = problem()
    with pytest.raises(FitError, match="made no progress"):
        train(model, lambda picked: (model(x[picked]) * 0).sum() + 1.0, len(x), RECIPE, seed=0)


def test_module_without_parameters_is_refused() -> None:
    with pytest.raises(FitError, match="nothing to train"):
        train(nn.Identity(), lambda picked: torch.zeros(()), 8, RECIPE, seed=0)
