from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from foresight_harness.planning.options import DatasetChoice, scale
from foresight_harness.planning.plan import PlannedCell
from PIL import Image

pytestmark = pytest.mark.usefixtures("few_pictures")


def by_metric(outcome):
    return {entry.metric: entry for entry in outcome.measurements}


def test_pixels_reach_the_ceiling_of_a_pixel_decoder_and_constant_stays_at_the_floor(
    make_bench, builtins, planned
) -> None:
    bench = make_bench()
    pixels = by_metric(bench.run_cell(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction")))
    constant = by_metric(bench.run_cell(planned(builtins, "constant@patch/identity/single/linear", "reconstruction")))
    assert np.nanmean(pixels["ssim_share"].values) > 0.9
    assert np.nanmean(constant["ssim_share"].values) < 0.2
    assert pixels["psnr"].floor_by == "mean_picture"
    assert pixels["psnr"].ceiling_by == "round_trip"
    assert np.isfinite(pixels["psnr"].values).sum() == 2


def test_trained_adapter_records_its_convergence_for_each_seed(make_bench, builtins, planned) -> None:
    bench = make_bench(seeds=2)
    cell = planned(builtins, "pixels@patch/identity/single/conv", "reconstruction")
    outcome = bench.run_cell(cell)
    assert by_metric(outcome)["psnr"].values.shape[0] == 2
    assert outcome.details["fit"]["steps"] == 8
    assert outcome.details["fit"]["loss_last"] < outcome.details["fit"]["loss_first"]
    assert outcome.params["adapter"] > 0


def test_report_pictures_hold_target_ceiling_output_and_error_on_one_scale(make_bench, builtins, planned) -> None:
    outcome = make_bench().run_cell(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction"))
    kinds = [picture.kind for picture in outcome.pictures]
    assert kinds[:4] == ["target", "round_trip", "output", "error"]
    assert {picture.scale_max for picture in outcome.pictures if picture.kind == "error"} == {0.5}


def test_on_clips_they_move_and_have_a_still_for_print(make_bench, builtins, planned, monkeypatch) -> None:
    small = replace(scale.SCALES["smoke"], clips_train=8, clips_test=2, clip_px=64)
    monkeypatch.setitem(scale.SCALES, "smoke", small)
    clips = DatasetChoice("moving_shapes")
    bench = make_bench(datasets=(clips,))
    # WebP keeps one of equal frames: a decoder that rebuilt the clip exactly would have an error map that stands still.
    cell = planned(builtins, "pixels@patch/identity/single/averaged", "reconstruction")
    bench.plan([PlannedCell(cell.candidate, cell.suite, clips, clips=True)])
    bench.run_cell(bench.planned[0])
    folder = bench.folder.path
    lines = [json.loads(line) for line in (folder / "media" / "index.jsonl").read_text().splitlines()]
    assert {line["kind"] for line in lines} == {"target", "round_trip", "output", "error"}
    for line in lines:
        assert line["frames"] == 9
        with Image.open(folder / line["path"]) as moving, Image.open(folder / line["still"]) as still:
            assert moving.n_frames == 9
            assert still.size == moving.size


def test_objects_are_looked_for_in_decoded_pictures_between_mean_picture_and_round_trip(
    make_bench, builtins, planned
) -> None:
    bench = make_bench()
    pixels = by_metric(bench.run_cell(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction")))
    constant = by_metric(bench.run_cell(planned(builtins, "constant@patch/identity/single/linear", "reconstruction")))
    assert np.nanmean(pixels["decoded_iou"].values) > 0.8
    assert np.nanmean(constant["decoded_iou"].values) < 0.3
    assert pixels["decoded_iou"].ceiling > 0.9
