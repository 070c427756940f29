from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.curves.curve import Curves, curves_of
from foresight_harness.running.run_folder.run_data import RunData

PIXELS, DINO = (f"{stream}/identity/single/linear" for stream in ("pixels@patch", "dinov2_tiny@last"))
MakeRun = Callable[..., RunData]


@pytest.fixture
def make_run(write_run, record) -> MakeRun:
    """A run whose candidates scored so, ``{candidate: values}``, under one protocol."""

    def make(name: str, scores: dict[str, Sequence[float]], choices: dict[str, object], **fields: object) -> RunData:
        records, samples = [], {}
        for number, (candidate, values) in enumerate(scores.items()):
            cell = f"c{number}"
            mean = sum(values) / len(values)
            facts = {"value": mean, "ci_low": mean - 0.05, "ci_high": mean + 0.05, "n": len(values), **fields}
            records.append(record(candidate=candidate, cell=cell, **facts))
            samples[cell] = {"iou": {0: list(values)}}
        return RunData.load(write_run(records, samples, run=name, protocols={"p0": choices}))

    return make


def curves(*runs: RunData, over: str = "train") -> Curves:
    return curves_of([(run, list(run.records)) for run in runs], over)


def of_size(size: int, **more: object) -> dict[str, object]:
    return {"suite": "spatial", "train_size": size, "fingerprint_train": f"f{size}", "fingerprint_test": "t", **more}


def test_points_stand_by_rising_size_the_highest_curve_first(make_run: MakeRun) -> None:
    large = make_run("large", {PIXELS: [0.5, 0.7, 0.6], DINO: [0.6, 0.9, 0.8]}, of_size(512))
    small = make_run("small", {PIXELS: [0.4, 0.5, 0.6], DINO: [0.2, 0.5, 0.6]}, of_size(128))
    found = curves(large, small)
    assert [curve.candidate for curve in found.curves] == [DINO, PIXELS]
    pixels = found.curves[1]
    assert [(point.x, point.run, point.n) for point in pixels.points] == [(128, "small", 3), (512, "large", 3)]
    assert [point.value for point in pixels.points] == pytest.approx([0.5, 0.6])
    assert pixels.points[0].low == pytest.approx(0.45)
    assert pixels.rise is not None
    value, low, high = pixels.rise
    assert value == pytest.approx(0.1)
    assert low is not None
    assert high is not None
    assert low < value < high
    assert found.as_json()["curves"][1]["points"][0] == pixels.points[0]._asdict()


def test_on_other_samples_nothing_is_paired(make_run: MakeRun) -> None:
    found = curves(
        make_run("a", {PIXELS: [0.4, 0.5]}, of_size(1)), make_run("b", {PIXELS: [0.4, 0.5, 0.6]}, of_size(2))
    )
    assert found.curves[0].rise is None


def test_another_choice_that_differs_is_named_and_nothing_is_drawn(make_run: MakeRun) -> None:
    runs = [make_run(name, {PIXELS: [0.4, 0.5]}, of_size(size, seeds=size)) for name, size in (("a", 1), ("b", 2))]
    with pytest.raises(NotComparableError, match=r"not one curve over training size: seeds is 1 of pixels.* and 2 of"):
        curves(*runs)
    other = [make_run(n, {PIXELS: [0.4, 0.5]}, of_size(s) | {"fingerprint_test": n}) for n, s in (("c", 1), ("d", 2))]
    with pytest.raises(NotComparableError, match="fingerprint_test"):
        curves(*other)


def test_over_the_side_the_pictures_may_be_others_and_the_training_size_may_not(make_run: MakeRun) -> None:
    sides = [
        make_run(
            f"r{side}", {PIXELS: [0.4, side / 1000]}, of_size(9) | {"picture_px": side, "fingerprint_test": f"{side}"}
        )
        for side in (448, 224)
    ]
    assert [point.x for point in curves(*sides, over="side").curves[0].points] == [224, 448]
    with pytest.raises(NotComparableError):
        curves(*sides, over="train")


def test_over_the_adapter_candidates_of_one_run_are_one_curve(make_run: MakeRun, write_run, record) -> None:
    records, protocols = [], {}
    for million in (5, 1):
        name = f"pixels@patch/identity/single/adapter_{million}m:ltx_video_nano"
        protocols[f"p{million}"] = {"decoder": "ltx_video_nano", "adapter": "budget", "adapter_params": million}
        records.append(
            record(candidate=name, cell=f"c{million}", protocol=f"p{million}", value=million / 10, per_sample=None)
            | {"params": {"adapter": million * 1_000_000}}
        )
    run = RunData.load(write_run(records, run="adapters", protocols=protocols))
    (curve,) = curves(run, over="adapter").curves
    assert curve.candidate == "pixels@patch/identity/single/ltx_video_nano"
    assert [point.x for point in curve.points] == [1e6, 5e6]


def test_two_values_at_one_place_are_refused_by_name(make_run: MakeRun) -> None:
    runs = [make_run(name, {PIXELS: [0.4, 0.5]}, of_size(128)) for name in ("a", "b")]
    with pytest.raises(UsageError, match="two values at training size 128, of runs a and b: leave one out"):
        curves(*runs)


def test_what_a_broken_control_was_scored_beside_is_not_drawn(make_run: MakeRun) -> None:
    runs = [
        make_run(name, {PIXELS: [0.4, 0.5]}, of_size(size), controls_ok=False) for name, size in (("a", 1), ("b", 2))
    ]
    with pytest.raises(NotComparableError, match="a control of its suite left"):
        curves(*runs)


def test_one_value_is_no_curve(make_run: MakeRun) -> None:
    with pytest.raises(NotComparableError, match="no candidate has two values over training size"):
        curves(make_run("a", {PIXELS: [0.4, 0.5]}, of_size(128)))
