"""Fits in the cache: read back to the bit, and never where anything that decides them differs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

torch.set_num_threads(1)

pytestmark = pytest.mark.usefixtures("few_pictures")

TRAINED = "oracle@mask/residual/single/conv"


@pytest.fixture
def owned(learning):
    """``learning``, with its enhancer offered by the harness's own plugin."""
    owner = learning.owner("enhancer", "identity")
    return replace(learning, owners={**learning.owners, ("enhancer", "residual"): owner})


def of(fitted) -> dict[str, torch.Tensor]:
    """Everything that a fit leaves behind."""
    parts = dict(fitted.modules.state_dict())
    network = getattr(fitted.adapter, "network", None)
    return parts | ({} if network is None else {f"head.{name}": one for name, one in network.state_dict().items()})


@pytest.mark.parametrize("objective", ["places", "latents"])
def test_a_fit_that_is_read_is_the_one_that_was_written_to_the_bit(make_keeper, owned, make_cell, objective) -> None:
    fits = []
    for writes in (True, False):
        cell = make_cell(make_keeper(owned, store_fits=writes), TRAINED)
        fits.append(cell.fitted_for_places(0) if objective == "places" else cell.fitted_for_latents(0))
        assert (cell.workshop.fits.made, cell.workshop.fits.read) == ((1, 0) if writes else (0, 1))
    made, read = fits
    assert of(made).keys() == of(read).keys()
    assert all(torch.equal(of(made)[name], of(read)[name]) for name in of(made))
    assert made.convergence == read.convergence


def test_other_steps_seeds_patience_or_data_are_other_fits(make_keeper, owned, make_cell) -> None:
    make_cell(make_keeper(owned, store_fits=True), TRAINED).fitted_for_places(0)
    for changes in ({"steps": 5}, {"patience": 3}, {"train_size": 20}, {"learning_rate": "5e-4"}):
        cell = make_cell(make_keeper(owned, **changes), TRAINED)
        cell.fitted_for_places(0)
        assert (cell.workshop.fits.made, cell.workshop.fits.read) == (1, 0), changes
    cell = make_cell(make_keeper(owned), TRAINED)
    cell.fitted_for_places(1)
    assert cell.workshop.fits.read == 0


def test_changed_code_of_a_part_is_another_fit(make_keeper, owned, make_cell) -> None:
    make_cell(make_keeper(owned, store_fits=True), TRAINED).fitted_for_places(0)
    owner = replace(owned.owner("enhancer", "residual"), digest="0" * 16)
    changed = replace(owned, owners={**owned.owners, ("enhancer", "residual"): owner})
    cell = make_cell(make_keeper(changed), TRAINED)
    cell.fitted_for_places(0)
    assert cell.workshop.fits.read == 0


def test_steps_and_patience_stand_in_the_protocol_and_their_absence_changes_none(make_keeper, owned, make_cell) -> None:
    plain = make_cell(make_keeper(owned), TRAINED, "spatial").protocol()
    assert not any("patience" in name or "held_out" in name for name in plain)
    asked = make_cell(make_keeper(owned, steps=5, patience=2), TRAINED, "spatial").protocol()
    assert (asked["fit_steps"], asked["fit_patience"]) == (5, 2)
    assert {name: value for name, value in asked.items() if name in plain and value != plain[name]}.keys() == {
        "fit_steps"
    }


def test_a_learning_rate_stands_in_the_protocol_and_a_sweep_says_what_it_tried(
    make_keeper, owned, planned, make_cell
) -> None:
    given = make_cell(make_keeper(owned, learning_rate="5e-4"), TRAINED, "spatial").protocol()
    assert given["fit_learning_rate"] == 5e-4
    keeper = make_keeper(owned, steps=20, learning_rate="sweep", store_fits=True)
    keeper.plan([planned(owned, TRAINED, "spatial")])
    keeper.run_cell(keeper.planned[0])
    record = next(one for one in keeper.folder.records() if "fit" in one.details)
    fit = record.details["fit"]
    assert [rate for rate, _ in fit["rates"]] == [5e-4, 2e-3, 8e-3]
    assert fit["learning_rate"] == min(fit["rates"], key=lambda one: one[1])[0]
    keeper.close("complete")
    protocol = json.loads((keeper.folder.path / "run.json").read_text())["protocols"][record.protocol]
    assert (protocol["fit_sweep"], protocol["fit_sweep_steps"]) == ([5e-4, 2e-3, 8e-3], 5)
    assert "fit_learning_rate" not in protocol
    again = make_cell(make_keeper(owned, steps=20, learning_rate="sweep"), TRAINED)
    read = again.fitted_for_places(0).convergence
    assert again.workshop.fits.read == 1
    assert (read.as_json()["rates"], read.learning_rate) == (fit["rates"], fit["learning_rate"])


def test_a_patient_fit_says_what_it_saw_in_its_record(make_keeper, owned, planned) -> None:
    keeper = make_keeper(owned, steps=40, patience=2)
    keeper.plan([planned(owned, TRAINED, "spatial")])
    keeper.run_cell(keeper.planned[0])
    fit = next(one.details["fit"] for one in keeper.folder.records() if "fit" in one.details)
    assert fit["steps"] <= 40
    assert fit["kept_step"] in [step for step, _ in fit["held_out"]]
