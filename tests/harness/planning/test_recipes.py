from __future__ import annotations

import subprocess
import sys

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.measuring.fitting.localisation import BOX_LOSSES, MAP_LOSSES
from foresight_harness.measuring.fitting.reconstruction import KNOWN
from foresight_harness.parts.training.recipe import PARTS
from foresight_harness.planning.options import RunOptions, scale_of
from foresight_harness.planning.recipes import RECIPES, at_learning_rate, latents_recipe, places_recipe

SCALE = scale_of("smoke")


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_carry_their_names_and_the_scales_budget_and_known_losses(name: str) -> None:
    recipe = latents_recipe(name, SCALE)
    assert (recipe.name, recipe.steps, recipe.batch) == (name, SCALE.steps, SCALE.batch)
    assert set(recipe.weights) <= set(KNOWN)
    for phase in recipe.earlier:
        assert phase.steps == SCALE.steps
        assert set(recipe.of(phase).weights) <= (
            {*MAP_LOSSES, *BOX_LOSSES} if phase.objective == "places" else {*KNOWN}
        )


def test_the_decoder_is_tuned_last_and_by_no_other_recipe() -> None:
    first, last = latents_recipe("decoder_lora", SCALE).phases("latents")
    assert (first.objective, first.trains) == ("latents", PARTS)
    assert (last.objective, last.trains) == ("latents", (*PARTS, "decoder"))
    others = [latents_recipe(name, SCALE) for name in RECIPES if name != "decoder_lora"]
    assert not any("decoder" in phase.trains for recipe in others for phase in recipe.phases("latents"))


def test_recipes_differ_in_the_protocol() -> None:
    choices = [latents_recipe(name, SCALE).choices() for name in RECIPES]
    assert all(one != other for index, one in enumerate(choices) for other in choices[:index])


def test_frozen_enhancer_trains_only_the_adapter_after_the_spatial_phase() -> None:
    first, last = latents_recipe("frozen_enhancer", SCALE).phases("latents")
    assert (first.objective, "enhancer" in first.trains) == ("places", True)
    assert (last.objective, last.trains) == ("latents", ("reader", "head"))


def test_first_phase_is_the_spatial_suites_own_fit() -> None:
    own = places_recipe(SCALE)
    for name in ("frozen_enhancer", "spatial_then_reconstruction"):
        recipe = latents_recipe(name, SCALE)
        found = recipe.of(recipe.earlier[0]).choices()
        assert {key for key, value in own.choices().items() if found[key] != value} <= {"fit_name", "fit_trains"}


def test_unknown_recipe_is_refused_in_one_line_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        RunOptions(recipe="frozen_enhncer")
    assert str(caught.value) == "--recipe frozen_enhncer: unknown; did you mean frozen_enhancer?"


def test_options_know_recipes_without_importing_torch() -> None:
    code = (
        "import sys; from foresight_harness.planning.options import RunOptions; "
        "RunOptions(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_learning_rate_is_the_recipes_own_a_number_or_a_sweep_around_the_recipes_own() -> None:
    recipe = places_recipe(SCALE)
    assert at_learning_rate(recipe, None) is recipe
    assert at_learning_rate(recipe, "5e-4").learning_rate == 5e-4
    swept = at_learning_rate(recipe, "sweep")
    assert swept.sweep == (5e-4, 2e-3, 8e-3)
    assert (swept.learning_rate, swept.sweep_steps) == (recipe.learning_rate, round(SCALE.steps / 4))
    for wrong in ("fast", "-1", "nan", "inf"):
        with pytest.raises(UsageError, match=f"--learning-rate {wrong}: write a number above 0, such as 5e-4"):
            at_learning_rate(recipe, wrong)
