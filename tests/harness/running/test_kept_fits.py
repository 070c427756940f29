"""``--keep-fits``: what is fitted for planned cells lies in the run folder and is read back as it was."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.running.kept_fits import kept_path, read_fit
from foresight_harness.running.run_folder.folder import RunFolder

pytestmark = pytest.mark.usefixtures("few_pictures")

CANDIDATE = "pixels@patch/identity/single/conv"


def scored(make_keeper, planned, builtins, **options: object):
    keeper = make_keeper(**options)
    keeper.plan([planned(builtins, CANDIDATE, "reconstruction")])
    keeper.run_cell(keeper.planned[0])
    keeper.close("complete")
    one = keeper.planned[0]
    return keeper, Cell(keeper.workshop, one.candidate, one.suite, one.dataset)


def test_a_kept_fit_predicts_what_the_fit_did_and_nothing_is_kept_unasked(make_keeper, planned, builtins) -> None:
    keeper, cell = scored(make_keeper, planned, builtins, keep_fits=True)
    found = read_fit(keeper.folder.path, cell, "latents", 0)
    assert found is not None
    again, own = found.fitted, cell.fitted_for_latents(0)
    taps, _ = cell.streams("test").take(range(4), clips=False)
    with torch.inference_mode():
        assert torch.equal(again.adapter(again.modules(taps)), own.adapter(own.modules(taps)))
    assert found.taps == cell.streams("train").shapes()
    assert read_fit(keeper.folder.path, cell, "latents", 1) is None
    other, cell = scored(make_keeper, planned, builtins)
    assert not (other.folder.path / "fits").exists()
    records = [RunFolder(one.folder.path).records() for one in (keeper, other)]
    assert [one.value for one in records[0]] == [one.value for one in records[1]]


def test_candidates_that_differ_in_the_decoder_share_what_is_fitted_for_places(make_keeper, planned, builtins) -> None:
    keeper = make_keeper()
    cells = [
        Cell(keeper.workshop, one.candidate, one.suite, one.dataset)
        for one in (planned(builtins, f"pixels@patch/identity/single/{name}", "spatial") for name in ("conv", "linear"))
    ]
    run = keeper.folder.path
    places, latents = ({kept_path(run, cell, what, 0) for cell in cells} for what in ("places", "latents"))
    assert len(places) == 1
    assert len(latents) == 2
