"""Fits of candidates on real grids: what trains, what is solved, what fails."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from foresight_harness.contracts.errors import FitError, UsageError
from foresight_harness.measuring.fitting.adapters import LinearAdapter, TrainedAdapter
from foresight_harness.measuring.fitting.objectives import fit_for_latents, fit_for_places
from foresight_harness.parts.training.recipe import Phase, Recipe
from foresight_harness.planning.recipes import latents_recipe

pytestmark = pytest.mark.usefixtures("few_pictures")

LINEAR = "oracle@mask/residual/single/linear"
CONV = "oracle@mask/residual/single/conv"


def latents_fit(cell, recipe: Recipe, **rest):
    latents = cell.bench.latents.of(cell.candidate.decoder, cell.split("train"))
    return fit_for_latents(cell.candidate, cell.streams("train"), latents, recipe, 0, "cpu", **rest)


def values_of(module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


def test_enhancer_learns_where_objects_are_and_the_head_is_thrown_away(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), LINEAR, "spatial")
    recipe = cell.recipe_for_places()
    fitted = fit_for_places(cell.candidate, cell.streams("train"), recipe, 0, "cpu")
    assert fitted.convergence is not None
    assert fitted.convergence.ratio < 1
    assert set(fitted.convergence.grad_norms) == {"enhancer", "head"}
    assert fitted.convergence.phase.startswith("places: 8 steps")
    assert fitted.convergence.constant == pytest.approx(0.2, abs=0.15)
    assert set(fitted.params()) == {"extractor", "enhancer", "fusion"}


def test_losses_of_a_recipe_decide_what_is_learned(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), LINEAR, "spatial")
    weights = []
    for losses in (("coverage_bce",), ("coverage_focal",), ("coverage_bce", "box_l1", "box_giou")):
        recipe = replace(cell.recipe_for_places(), losses=losses)
        fitted = fit_for_places(cell.candidate, cell.streams("train"), recipe, 0, "cpu")
        weights.append(values_of(fitted.modules)[0])
    assert not any(torch.equal(one, other) for index, one in enumerate(weights) for other in weights[:index])


def test_loss_of_another_objective_is_refused(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), LINEAR)
    with pytest.raises(UsageError, match="'coverage_bce' is none of reconstruction"):
        latents_fit(cell, Recipe(4, 8, ("coverage_bce",)))


def test_nothing_to_train_under_a_linear_adapter_takes_the_closed_form(make_bench, builtins, make_cell) -> None:
    cell = make_cell(make_bench(), "pixels@patch/identity/single/linear")
    fitted = latents_fit(cell, cell.recipe_for_latents())
    assert isinstance(fitted.adapter, LinearAdapter)
    assert fitted.convergence is None


def test_frozen_enhancer_keeps_what_the_spatial_phase_learned(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), CONV)
    recipe = latents_recipe("frozen_enhancer", cell.scale)
    places = fit_for_places(cell.candidate, cell.streams("train"), cell.recipe_for_places(), 0, "cpu")
    before = values_of(places.modules)
    whole = latents_fit(cell, recipe)
    begun = latents_fit(cell, recipe, start=places)
    for fitted in (whole, begun):
        assert all(torch.equal(one, other) for one, other in zip(before, values_of(fitted.modules), strict=True))
        assert fitted.modules is not places.modules
        assert [phase.phase.partition(":")[0] for phase in fitted.convergence.earlier] == ["places"]
        assert set(fitted.convergence.grad_norms) == {"head"}
    grid = torch.randn(2, 1, 16, 16, 1)
    assert torch.allclose(whole.adapter(grid), begun.adapter(grid))


def test_frozen_enhancer_under_a_linear_adapter_needs_no_second_fit(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), LINEAR)
    fitted = latents_fit(cell, latents_recipe("frozen_enhancer", cell.scale))
    assert isinstance(fitted.adapter, LinearAdapter)
    assert fitted.convergence.phase.startswith("places")


def test_spatial_then_reconstruction_goes_on_from_the_spatial_phase(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), LINEAR)
    places = fit_for_places(cell.candidate, cell.streams("train"), cell.recipe_for_places(), 0, "cpu")
    before = copy.deepcopy(values_of(places.modules))
    fitted = latents_fit(cell, latents_recipe("spatial_then_reconstruction", cell.scale), start=places)
    joint = latents_fit(cell, latents_recipe("joint", cell.scale))
    assert not any(torch.equal(one, other) for one, other in zip(before, values_of(fitted.modules), strict=True))
    assert all(torch.equal(one, other) for one, other in zip(before, values_of(places.modules), strict=True))
    assert not torch.allclose(values_of(fitted.modules)[0], values_of(joint.modules)[0])


def test_any_phase_may_train_any_parts(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), CONV)
    adapter_first = Phase("latents", 8, ("latent_mse",), trains=("head",))
    recipe = Recipe(8, 8, ("latent_mse",), trains=("enhancer",), earlier=(adapter_first,))
    fitted = latents_fit(cell, recipe)
    assert fitted.convergence.earlier[0].grad_norms.keys() == {"head"}
    assert fitted.convergence.grad_norms["head"] == 0
    assert fitted.convergence.grad_norms["enhancer"] > 0


def test_pictures_can_be_what_is_minimised(make_bench, builtins, make_cell) -> None:
    cell = make_cell(make_bench(recipe="perceptual"), "pixels@patch/identity/single/linear")
    recipe = replace(cell.recipe_for_latents(), losses=("pixel_l1", "pixel_mse"))
    with pytest.raises(UsageError, match="need the decoder"):
        latents_fit(cell, recipe)
    from foresight_harness.measuring.fitting.reconstruction import Pictures

    decoder = cell.bench.latents.decoder(cell.candidate.decoder)
    fitted = latents_fit(cell, recipe, pictures=Pictures(decoder.decode, cell.split("train")))
    assert isinstance(fitted.adapter, TrainedAdapter)
    assert fitted.convergence.ratio < 1


def test_nan_in_a_module_is_a_failed_fit(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), "oracle@mask/residual_nan/single/linear", "spatial")
    with pytest.raises(FitError, match=r"^the fit diverged: loss nan at step 0 of 8$"):
        fit_for_places(cell.candidate, cell.streams("train"), cell.recipe_for_places(), 0, "cpu")


def test_learning_rate_that_is_too_high_is_a_failed_fit(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), LINEAR)
    with pytest.raises(FitError, match="diverged"):
        latents_fit(cell, replace(cell.recipe_for_latents(), learning_rate=1e6))


def test_fit_that_cannot_move_is_a_failed_fit(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), LINEAR, "spatial")
    still = replace(cell.recipe_for_places(), learning_rate=0.0, batch=24)
    with pytest.raises(FitError, match="made no progress"):
        fit_for_places(cell.candidate, cell.streams("train"), still, 0, "cpu")


def test_features_that_say_nothing_are_no_failed_fit(make_bench, learning, make_cell) -> None:
    cell = make_cell(make_bench(learning), "constant@patch/residual/single/linear", "spatial")
    recipe = replace(cell.recipe_for_places(), steps=60, learning_rate=0.05)
    fitted = fit_for_places(cell.candidate, cell.streams("train"), recipe, 0, "cpu")
    assert fitted.convergence.last == pytest.approx(fitted.convergence.constant, rel=0.1)
