"""A sweep of learning rates finds the one that learns, on samples that no short fit saw."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.training.rate_sweep import best_of, swept
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import train
from torch import nn

HELD = (1, 5, 9, 13, 17, 21, 25, 29)
RECIPE = Recipe(steps=80, batch=8, losses=("mse",), optimiser="sgd", weight_decay=0.0)


def line(slope: float = 3.0):
    """A linear map to learn: the module, its loss, and which samples the loss was asked for."""
    torch.manual_seed(1)
    x = torch.randn(32, 4)
    y, module, seen = slope * x.sum(dim=1, keepdim=True), nn.Linear(4, 1), list[int]()

    def loss_of(picked):
        seen.extend(picked)
        return (module(x[list(picked)]) - y[list(picked)]).square().mean()

    return module, loss_of, seen


def test_the_rate_that_learns_is_chosen_and_the_fit_is_that_of_this_rate_alone() -> None:
    module, loss_of, _ = line()
    recipe = Recipe(**{**vars(RECIPE), "sweep": (1e-6, 3e-2, 1e-4)})
    found = swept(module, loss_of, 32, recipe, 0, held_out=HELD)
    assert found.learning_rate == 3e-2
    losses = dict(found.rates)
    assert losses[3e-2] < losses[1e-4] < losses[1e-6]
    alone, own_loss, _ = line()
    direct = train(alone, own_loss, 32, Recipe(**{**vars(RECIPE), "learning_rate": 3e-2}), 0)
    assert all(torch.equal(*pair) for pair in zip(module.parameters(), alone.parameters(), strict=True))
    assert (found.loss, found.steps) == (direct.loss, 80)
    assert found.as_json()["learning_rate"] == 3e-2
    assert "rates" not in direct.as_json()


def test_short_fits_see_no_sample_that_judges_them() -> None:
    module, loss_of, seen = line()
    own, asked = module.forward, list[bool]()

    def forward(x):
        asked.append(module.training)
        return own(x)

    module.forward = forward  # type: ignore[method-assign]
    trial = Recipe(**{**vars(RECIPE), "sweep": (1e-2,)}).trial(1e-2)
    assert trial.steps == 20
    swept(module, loss_of, 32, Recipe(**{**vars(RECIPE), "sweep": (1e-2,)}), 0, held_out=HELD)
    first = seen[: (trial.steps + 1) * RECIPE.batch]  # every step of the short fit, and the first batch once more
    assert not set(first) & set(HELD)
    assert tuple(seen[len(first) : len(first) + len(HELD)]) == HELD
    assert set(seen[len(first) + len(HELD) :]) >= set(HELD)  # the fit itself is trained on them too
    assert asked[: trial.steps] == [True] * trial.steps


def test_a_rate_that_diverges_is_not_chosen_and_none_left_is_a_failed_fit() -> None:
    module, loss_of, _ = line()
    free = {**vars(RECIPE), "clip_norm": 1e30}
    found = swept(module, loss_of, 32, Recipe(**{**free, "sweep": (1e6, 1e-2)}), 0, held_out=HELD)
    assert found.rates[0] == (1e6, None)
    assert found.learning_rate == 1e-2
    with pytest.raises(FitError, match=r"none of the learning rates 1e\+06, 1e\+07 makes a fit: the fit diverged"):
        swept(module, loss_of, 32, Recipe(**{**free, "sweep": (1e6, 1e7)}), 0, held_out=HELD)


def test_of_equal_rates_the_smaller_is_taken() -> None:
    assert best_of([(4e-3, 0.5), (1e-3, 0.5), (2e-3, None)]) == 1e-3
    assert best_of([(4e-3, None)]) is None
