from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from foresight_harness.measuring.suites import reconstruction
from foresight_harness.measuring.suites.reconstruction import share_refused
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning.options import DatasetChoice, scale
from foresight_harness.planning.plan import PlannedCell
from PIL import Image

pytestmark = pytest.mark.usefixtures("few_pictures")


def by_metric(outcome):
    return {entry.metric: entry for entry in outcome.measurements}


def test_pixels_reach_the_ceiling_of_a_pixel_decoder_and_constant_stays_at_the_floor(
    make_keeper, builtins, planned
) -> None:
    keeper = make_keeper()
    pixels = by_metric(keeper.run_cell(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction")))
    constant = by_metric(keeper.run_cell(planned(builtins, "constant@patch/identity/single/linear", "reconstruction")))
    assert np.nanmean(pixels["ssim_share"].values) > 0.9
    assert np.nanmean(constant["ssim_share"].values) < 0.2
    assert pixels["psnr"].floor_by == "mean_picture"
    assert pixels["psnr"].ceiling_by == "round_trip"
    assert np.isfinite(pixels["psnr"].values).sum() == 2


def test_where_pictures_are_wrong_is_said_and_changes_no_protocol(make_keeper, builtins, planned) -> None:
    keeper = make_keeper()
    cell = planned(builtins, "constant@patch/identity/single/linear", "reconstruction")
    found = by_metric(keeper.run_cell(cell))
    edges, border = found["error_at_edges"], found["error_at_border"]
    assert (edges.direction, edges.range, np.isfinite(edges.values).sum()) == ("none", (0.0, 1.0), 2)
    assert np.nanmean(edges.values) > np.nanmean(border.values)  # the mean picture knows no object
    assert edges.details["error_there"] > edges.details["error_elsewhere"] > 0
    asked = Cell(keeper.workshop, cell.candidate, cell.suite, cell.dataset)
    assert "error_at" not in json.dumps(reconstruction.protocol(asked))


@pytest.mark.parametrize(
    ("direction", "score", "floor", "ceiling", "reason"),
    [
        ("higher", 14.0, 10.0, 20.0, None),
        ("lower", 0.5, 0.8, 0.3, None),
        ("higher", 14.0, 16.75, 12.97, "the round trip (12.97) is not better than the mean picture (16.75)"),
        ("lower", 0.5, 0.3, 0.3, "the round trip (0.3) is not better than the mean picture (0.3)"),
        ("lower", 0.641, 0.798, 0.662, "the score (0.641) lies above its ceiling, the round trip (0.662)"),
        ("higher", 21.0, 10.0, 20.0, "the score (21) lies above its ceiling, the round trip (20)"),
    ],
)
def test_a_share_of_a_broken_ceiling_or_above_it_is_refused(
    builtins, direction: str, score: float, floor: float, ceiling: float, reason: str | None
) -> None:
    spec = replace(builtins.metrics["psnr"], direction=direction)
    assert share_refused(spec, np.array([[score - 0.1, score + 0.1, np.nan]]), floor, ceiling) == reason


def test_a_refused_share_is_said_and_leaves_no_number(make_keeper, builtins, planned, monkeypatch) -> None:
    monkeypatch.setattr(reconstruction, "share_refused", lambda spec, *given: "no way" if spec.name == "psnr" else None)
    outcome = make_keeper().run_cell(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction"))
    assert "psnr_share" not in by_metric(outcome)
    assert "ssim_share" in by_metric(outcome)
    assert outcome.details["shares_refused"] == {"psnr_share": "no way"}


def test_trained_adapter_records_its_convergence_for_each_seed(make_keeper, builtins, planned) -> None:
    keeper = make_keeper(seeds=2)
    cell = planned(builtins, "pixels@patch/identity/single/conv", "reconstruction")
    outcome = keeper.run_cell(cell)
    assert by_metric(outcome)["psnr"].values.shape[0] == 2
    assert outcome.details["fit"]["steps"] == 8
    assert outcome.details["fit"]["loss_last"] < outcome.details["fit"]["loss_first"]
    assert outcome.params["adapter"] > 0


def test_report_pictures_hold_target_ceiling_output_and_error_on_one_scale(make_keeper, builtins, planned) -> None:
    outcome = make_keeper().run_cell(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction"))
    kinds = [picture.kind for picture in outcome.pictures]
    assert kinds[:4] == ["target", "round_trip", "output", "error"]
    assert {picture.scale_max for picture in outcome.pictures if picture.kind == "error"} == {0.5}


def test_pictures_are_kept_as_they_come_as_many_as_asked_for_beside_the_two_worst(
    make_keeper, builtins, planned, monkeypatch
) -> None:
    monkeypatch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], pictures=7))
    cell = planned(builtins, "pixels@patch/identity/single/linear", "reconstruction")
    first, more = make_keeper(), make_keeper(keep_pictures=4)
    outcome, asked = first.run_cell(cell), more.run_cell(cell)
    assert [one.label for one in outcome.pictures if one.kind == "output"] == ["as they come"] * 2 + ["worst"] * 2
    kept = [one for one in asked.pictures if one.kind == "output"]
    assert [one.label for one in kept] == ["as they come"] * 4 + ["worst"] * 2
    assert len({one.sample for one in kept}) == 6
    assert by_metric(outcome)["psnr"].values.tobytes() == by_metric(asked)["psnr"].values.tobytes()


def test_on_clips_they_move_and_have_a_still_for_print(make_keeper, builtins, planned, monkeypatch) -> None:
    small = replace(scale.SCALES["smoke"], clips_train=8, clips_test=2, clip_px=64)
    monkeypatch.setitem(scale.SCALES, "smoke", small)
    clips = DatasetChoice("moving_shapes")
    keeper = make_keeper(datasets=(clips,))
    # WebP keeps one of equal frames: a decoder that rebuilt the clip exactly would have an error map that stands still.
    cell = planned(builtins, "pixels@patch/identity/single/averaged", "reconstruction")
    keeper.plan([PlannedCell(cell.candidate, cell.suite, clips, clips=True)])
    keeper.run_cell(keeper.planned[0])
    folder = keeper.folder.path
    lines = [json.loads(line) for line in (folder / "media" / "index.jsonl").read_text().splitlines()]
    assert {line["kind"] for line in lines} == {"target", "round_trip", "output", "error"}
    for line in lines:
        assert line["frames"] == 9
        with Image.open(folder / line["path"]) as moving, Image.open(folder / line["still"]) as still:
            assert moving.n_frames == 9
            assert still.size == moving.size


def test_objects_are_looked_for_in_decoded_pictures_between_mean_picture_and_round_trip(
    make_keeper, builtins, planned
) -> None:
    keeper = make_keeper()
    pixels = by_metric(keeper.run_cell(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction")))
    constant = by_metric(keeper.run_cell(planned(builtins, "constant@patch/identity/single/linear", "reconstruction")))
    assert np.nanmean(pixels["decoded_iou"].values) > 0.8
    assert np.nanmean(constant["decoded_iou"].values) < 0.3
    assert pixels["decoded_iou"].ceiling > 0.9


def test_a_metric_on_request_is_scored_where_it_is_named_and_changes_no_other_record(
    make_keeper, builtins, planned
) -> None:
    asked = replace(builtins.metrics["ssim"], name="meaning_v1", on_request=True, identity=lambda: "sha256 0")
    registry = replace(
        builtins,
        metrics={**builtins.metrics, "meaning_v1": asked},
        owners={**builtins.owners, ("metric", "meaning_v1"): builtins.owner("metric", "ssim")},
    )
    found = []
    for options in ({}, {"metrics": ("meaning_v1",)}):
        keeper = make_keeper(registry, **options)
        cell = planned(registry, "pixels@patch/identity/single/linear", "reconstruction")
        keeper.plan([cell])
        keeper.run_cell(cell)
        found.append(({one.metric: one for one in keeper.folder.records()}, keeper))
    (without, _), (with_it, keeper) = found
    assert set(with_it) - set(without) == {"meaning_v1", "meaning_v1_share"}
    assert with_it["meaning_v1"].value == with_it["ssim"].value
    for name, one in without.items():
        same = with_it[name]
        assert (one.value, one.protocol, one.ci_low) == (same.value, same.protocol, same.ci_low)
    for name in ("meaning_v1", "meaning_v1_share"):
        said = keeper.protocols[with_it[name].protocol]
        assert said["metric_definition"] == f"{asked.reference}; sha256 0"
