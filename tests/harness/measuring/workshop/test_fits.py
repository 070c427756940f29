"""Fits in a run: made once, made together, failed alone."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import FitError
from foresight_harness.measuring.fitting import objectives
from foresight_harness.measuring.workshop import fits

torch.set_num_threads(1)

pytestmark = pytest.mark.usefixtures("few_pictures")

LINEAR = "oracle@mask/residual/single/linear"


def scored(make_bench, registry, planned, cells: list[tuple[str, str]], **options):
    """A run of these cells (candidate, suite), with the errors of those that failed."""
    bench = make_bench(registry, **options)
    bench.plan([planned(bench.registry, candidate, suite) for candidate, suite in cells])
    errors = []
    for cell in list(bench.planned):
        try:
            bench.run_cell(cell)
        except FitError as error:
            errors.append(str(error))
    bench.close("complete")
    return bench, errors


def numbers_of(bench) -> dict[tuple[str, str], float]:
    return {
        (line["candidate"], line["metric"]): line["value"] for line in bench.folder.records() if line["status"] == "ok"
    }


def test_two_suites_of_a_candidate_share_one_fit(make_bench, learning, planned) -> None:
    bench, _ = scored(make_bench, learning, planned, [(LINEAR, "alignment"), (LINEAR, "reconstruction")])
    assert bench.fits.made == 1
    fit = next(line["details"]["fit"] for line in bench.folder.records() if line["suite"] == "reconstruction")
    assert fit["first_batch_after"] < fit["first_batch_before"]
    assert set(fit["grad_norms"]) == {"enhancer", "head"}


def test_a_fit_is_forgotten_when_no_planned_cell_asks_for_it_any_more(make_bench, learning, planned) -> None:
    bench = make_bench(learning)
    bench.plan([planned(learning, LINEAR, suite) for suite in ("alignment", "reconstruction")])
    held = []
    for cell in bench.planned:
        bench.run_cell(cell)
        held.append(len(bench.fits.kept))
    assert held == [1, 0]


def test_many_candidates_do_not_push_each_others_fits_out(make_bench, learning, make_cell) -> None:
    bench = make_bench(learning)
    names = ("residual", "identity", "bilinear", "nearest", "residual_branch")
    cells = [make_cell(bench, f"oracle@mask/{name}/single/linear") for name in names]
    made = [cell.fitted_for_latents(0) for cell in cells]
    assert [cell.fitted_for_latents(0) for cell in cells] == made
    assert bench.fits.made == len(names)


def test_candidates_that_differ_in_the_decoder_share_the_spatial_fit(make_bench, learning, planned, make_cell) -> None:
    bench = make_bench(learning)
    first = make_cell(bench, LINEAR, "spatial").fitted_for_places(0)
    assert make_cell(bench, "oracle@mask/residual/single/conv", "spatial").fitted_for_places(0) is first
    assert make_cell(bench, LINEAR, "spatial").fitted_for_places(1) is not first


def test_seeds_are_fitted_side_by_side_and_score_as_they_do_alone(
    make_bench, learning, planned, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    cells = [(LINEAR, "spatial")]
    together, _ = scored(make_bench, learning, planned, cells, seeds=3, out=tmp_path / "together")
    assert (together.fits.made, together.fits.stacks) == (7, 1)  # four controls beside three seeds
    monkeypatch.setattr(fits, "pays", lambda device, numbers: False)
    alone, _ = scored(make_bench, learning, planned, cells, seeds=3, out=tmp_path / "alone")
    assert (alone.fits.made, alone.fits.stacks) == (7, 0)
    assert numbers_of(together) == pytest.approx(numbers_of(alone), rel=1e-3, abs=1e-4)
    digests = [{line["protocol"] for line in bench.folder.records()} for bench in (together, alone)]
    assert digests[0] == digests[1]


def test_one_candidate_of_a_group_fails_alone_in_one_line(make_bench, learning, planned) -> None:
    broken = "oracle@mask/residual_nan/single/linear"
    bench, errors = scored(make_bench, learning, planned, [(broken, "alignment"), (LINEAR, "alignment")])
    assert errors == ["the fit diverged: loss nan at step 0 of 8"]
    failed = [line for line in bench.folder.records() if line["status"] != "ok"]
    assert {line["candidate"] for line in failed} == {broken}
    assert {line["error"] for line in failed} == {"the fit diverged: loss nan at step 0 of 8"}
    assert all(line["value"] is None for line in failed)
    assert {line["status"] for line in bench.folder.records() if line["candidate"] == LINEAR} == {"ok"}


@pytest.mark.parametrize("fault", ["diverged", "made no progress"])
def test_fits_that_do_not_converge_are_failed_cells_and_not_numbers(
    make_bench, learning, planned, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    from dataclasses import replace

    from foresight_harness.measuring.workshop import cell

    rate = {"diverged": 1e6, "made no progress": 0.0}[fault]
    recipe_of = cell.latents_recipe
    monkeypatch.setattr(cell, "latents_recipe", lambda name, scale: replace(recipe_of(name, scale), learning_rate=rate))
    bench, errors = scored(make_bench, learning, planned, [(LINEAR, "alignment")])
    (record,) = bench.folder.records()
    assert (record["status"], record["value"]) == ("failed", None)
    assert record["error"].startswith(f"the fit {fault}")
    assert "\n" not in record["error"]
    assert errors == [record["error"]]


def test_resumed_run_fits_nothing_again_and_groups_what_is_left(make_bench, learning, planned) -> None:
    other = "oracle@mask/residual_branch/single/linear"
    cells = [(LINEAR, "alignment"), (other, "alignment")]
    first, _ = scored(make_bench, learning, planned, cells[:1])
    resumed, _ = scored(make_bench, learning, planned, cells, resume=True)
    assert (first.fits.made, resumed.fits.made) == (1, 1)
    assert {line["candidate"] for line in resumed.folder.records()} == {LINEAR, other}


def test_first_phase_of_a_recipe_is_the_spatial_suites_fit(
    make_bench, learning, make_cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    train = objectives.train
    monkeypatch.setattr(
        objectives, "train", lambda *args, **named: trained.append(named["phase"]) or train(*args, **named)
    )
    bench = make_bench(learning, recipe="frozen_enhancer")
    candidate = "oracle@mask/residual/single/conv"
    make_cell(bench, candidate, "spatial").fitted_for_places(0)
    cell = make_cell(bench, candidate)
    fitted = cell.fitted_for_latents(0)
    assert [phase.partition(":")[0] for phase in trained] == ["places", "latents"]
    assert cell.protocol()["fit_name"] == "frozen_enhancer"
    assert [phase["phase"].partition(":")[0] for phase in fitted.convergence.as_json()["earlier"]] == ["places"]


def test_recipe_changes_the_protocol_of_reconstruction_and_not_of_localisation(make_bench, learning, make_cell) -> None:
    digests = {}
    for recipe in ("joint", "frozen_enhancer"):
        bench = make_bench(learning, recipe=recipe)
        digests[recipe] = [make_cell(bench, LINEAR, suite).protocol_digest() for suite in ("spatial", "reconstruction")]
    assert digests["joint"][0] == digests["frozen_enhancer"][0]
    assert digests["joint"][1] != digests["frozen_enhancer"][1]


def test_adapters_by_budget_share_latents_references_and_protocol(make_bench, builtins, make_cell) -> None:
    bench = make_bench(builtins)
    cells = [make_cell(bench, f"oracle@mask/identity/single/{name}:conv") for name in ("adapter_1m", "adapter_5m")]
    arrays = [bench.latents.of(cell.candidate.decoder, cell.split("train")).array.folder for cell in cells]
    assert arrays[0] == arrays[1]
    assert bench.latents.decoder(cells[0].candidate.decoder) is bench.latents.decoder(cells[1].candidate.decoder)
    assert cells[0].protocol_digest() == cells[1].protocol_digest()
    plain = make_cell(bench, "oracle@mask/identity/single/conv")
    assert plain.protocol_digest() != cells[0].protocol_digest()


def test_budget_adapter_is_trained_and_its_parameters_are_known(make_bench, builtins, make_cell) -> None:
    fitted = make_cell(make_bench(builtins), "oracle@mask/identity/single/adapter_1m:linear").fitted_for_latents(0)
    assert fitted.params()["adapter"] == pytest.approx(1_000_000, rel=0.05)
    assert fitted.convergence.after < fitted.convergence.before


def test_perceptual_recipe_minimises_the_trunks_distance_under_its_own_name(make_bench, builtins, make_cell) -> None:
    bench = make_bench(builtins, recipe="perceptual")
    cell = make_cell(bench, "oracle@mask/identity/single/linear")
    (name,) = [term for term in cell.recipe_for_latents().weights if term.startswith("lpips")]
    assert name in builtins.metrics
    pictures = fits._pictures(cell, cell.recipe_for_latents())
    assert pictures is not None
    assert set(pictures.perceptual) == {name}
    assert cell.seeds == (0,)
    assert cell.trained("latents")
