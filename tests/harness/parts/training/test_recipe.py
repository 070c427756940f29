from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.training.recipe import PARTS, Phase, Recipe, weighted
from foresight_harness.parts.training.trainer import optimiser_of

BASE = Recipe(steps=10, batch=4, losses=("latent_mse",))

CHANGED = {
    "steps": Recipe(steps=11, batch=4, losses=("latent_mse",)),
    "batch": Recipe(steps=10, batch=5, losses=("latent_mse",)),
    "losses": Recipe(steps=10, batch=4, losses=(("latent_mse", 2.0),)),
    "name": Recipe(steps=10, batch=4, losses=("latent_mse",), name="joint"),
    "optimiser": Recipe(steps=10, batch=4, losses=("latent_mse",), optimiser="sgd"),
    "learning_rate": Recipe(steps=10, batch=4, losses=("latent_mse",), learning_rate=1e-4),
    "weight_decay": Recipe(steps=10, batch=4, losses=("latent_mse",), weight_decay=0.0),
    "warmup_steps": Recipe(steps=10, batch=4, losses=("latent_mse",), warmup_steps=5),
    "clip_norm": Recipe(steps=10, batch=4, losses=("latent_mse",), clip_norm=9.0),
    "seed": Recipe(steps=10, batch=4, losses=("latent_mse",), seed=7),
    "trains": Recipe(steps=10, batch=4, losses=("latent_mse",), trains=("head",)),
    "patience": Recipe(steps=10, batch=4, losses=("latent_mse",), patience=3),
    "sweep": Recipe(steps=10, batch=4, losses=("latent_mse",), sweep=(1e-3, 2e-3)),
    "earlier": Recipe(steps=10, batch=4, losses=("latent_mse",), earlier=(Phase("places", 3, ("coverage_bce",)),)),
}


def test_every_field_is_tried() -> None:
    assert set(CHANGED) == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize("name", CHANGED)
def test_every_field_of_a_recipe_enters_the_protocol(name: str) -> None:
    changed = {key for key, value in CHANGED[name].choices().items() if value != BASE.choices().get(key)}
    assert f"fit_{name}" in changed
    beside = {
        "patience": {"fit_held_out", "fit_look_every"},
        "sweep": {"fit_held_out", "fit_sweep_steps", "fit_learning_rate"},
    }.get(name, {"fit_warmup_steps"})
    assert changed <= {f"fit_{name}", *beside}
    assert not any("sweep" in key for key in BASE.choices())


def test_every_field_of_an_earlier_phase_enters_the_protocol() -> None:
    phase = Phase("places", 3, ("coverage_bce",))
    others = (
        Phase("latents", 3, ("coverage_bce",)),
        Phase("places", 4, ("coverage_bce",)),
        Phase("places", 3, ("coverage_focal",)),
        Phase("places", 3, (("coverage_bce", 2.0),)),
        Phase("places", 3, ("coverage_bce",), trains=("enhancer",)),
    )
    assert len({str(found) for found in (phase, *others)}) == 6


def test_learning_rate_rises_then_is_zero_when_the_last_step_is_made() -> None:
    recipe = Recipe(steps=50, batch=4, losses=("latent_mse",), learning_rate=0.5)
    optimiser = optimiser_of([torch.zeros(1, requires_grad=True)], recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, recipe.rate_at)
    used = []
    for _ in range(recipe.steps):
        used.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert used[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert max(used) == 0.5
    assert all(one >= other for one, other in pairwise(used[4:]))
    assert 0 < used[-1] < 0.005
    assert optimiser.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def test_warm_up_is_a_tenth_of_the_steps_unless_it_is_named() -> None:
    assert (BASE.warmup, CHANGED["warmup_steps"].warmup) == (1, 5)
    assert Recipe(steps=200, batch=4, losses=()).warmup == 20


def test_phases_come_in_order_and_the_last_is_the_fits_own() -> None:
    recipe = CHANGED["earlier"]
    first, last = recipe.phases("latents")
    assert (first.objective, last.objective, last.steps, last.trains) == ("places", "latents", 10, PARTS)
    alone = recipe.of(first)
    assert (alone.steps, alone.weights, alone.earlier) == (3, {"coverage_bce": 1.0}, ())


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: Recipe(steps=0, batch=4, losses=()), "at least one step"),
        (lambda: Recipe(steps=4, batch=0, losses=()), "one sample a batch"),
        (lambda: Recipe(steps=4, batch=4, losses=(), optimiser="adam"), "choose one of adamw, sgd"),
        (lambda: Recipe(steps=4, batch=4, losses=(), warmup_steps=4), "does not fit into 4 steps"),
        (lambda: Phase("places", 4, (), trains=("adapter",)), "unknown part 'adapter'"),
        (lambda: Phase("places", 4, (), trains=()), "no part to train"),
        (lambda: Phase("places", 0, ()), "at least one step"),
        (lambda: weighted(("latent_mse", ("latent_mse", 2.0))), "twice"),
        (lambda: weighted((("latent_mse", 0.0),)), "weights are positive"),
    ],
)
def test_recipes_that_cannot_be_followed_are_refused(mistake, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        mistake()
