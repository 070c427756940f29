from __future__ import annotations

import pytest
from foresight_harness.errors import UsageError
from foresight_harness.fit import Recipe


def test_learning_rate_rises_then_reaches_zero_at_the_last_step() -> None:
    recipe = Recipe(steps=50, batch=4, losses=("mse",), warmup=0.1)
    rates = [recipe.rate_at(step) for step in range(51)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert max(rates) == 1.0
    assert rates[49] < 0.01
    assert rates[50] == pytest.approx(0.0, abs=1e-12)


def test_every_choice_of_a_recipe_enters_the_protocol() -> None:
    base = Recipe(steps=10, batch=4, losses=("mse",))
    for changed in (
        Recipe(steps=11, batch=4, losses=("mse",)),
        Recipe(steps=10, batch=5, losses=("mse",)),
        Recipe(steps=10, batch=4, losses=("l1",)),
        Recipe(steps=10, batch=4, losses=("mse",), learning_rate=1e-4),
        Recipe(steps=10, batch=4, losses=("mse",), weight_decay=0.0),
        Recipe(steps=10, batch=4, losses=("mse",), warmup=0.5),
        Recipe(steps=10, batch=4, losses=("mse",), clip_norm=9.0),
    ):
        assert changed.choices() != base.choices()


def test_recipe_without_steps_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one step"):
        Recipe(steps=0, batch=4, losses=())
