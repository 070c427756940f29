"""Planted answers in small: what a perfect mask, pixels and nothing at all tell, and what is said where luck tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from foresight_harness.contracts.outcomes import Measurement, Outcome
from foresight_harness.judging.analyses import conclude
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.judging.evidence import intervals
from foresight_harness.measuring.suites import verification
from foresight_harness.measuring.suites.verification_controls import judge
from foresight_harness.measuring.suites.verification_numbers import named_best, questions_of
from foresight_harness.parts.datasets.planted_answers import PLANTED
from foresight_harness.planning.options import DatasetChoice, scale
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.running.run_folder.run_data import RunData

CLIPS = DatasetChoice("moving_shapes")
NAMES = ("oracle@mask", "pixels@patch", "constant@patch")


@pytest.fixture
def keeper(make_keeper, builtins, planned, monkeypatch):
    """The three controls, eight clips asked about; the networks of LPIPS are left out for their time."""
    small = replace(scale.SCALES["smoke"], clips_train=12, clips_test=8, resamples=200)
    monkeypatch.setitem(scale.SCALES, "smoke", small)
    monkeypatch.setattr(verification, "PICTURES", ("psnr", "decoded_iou"))
    keeper = make_keeper(datasets=(CLIPS,))
    cells = [planned(builtins, f"{name}/identity/single/linear", "verification") for name in NAMES]
    keeper.plan([PlannedCell(cell.candidate, cell.suite, CLIPS, clips=True) for cell in cells])
    return keeper


def test_masks_tell_every_answer_nothing_tells_none_and_what_is_recorded_is_made_again(keeper) -> None:
    outcomes = {name: keeper.run_cell(cell) for name, cell in zip(NAMES, keeper.planned, strict=True)}
    assert all(outcome.controls_ok for outcome in outcomes.values())
    metrics = {one.metric: one for one in outcomes["pixels@patch"].measurements}
    assert set(metrics) == {
        f"{name}_{of}" for name in ("psnr", "decoded_iou", "feature_distance") for of in ("auc", "rank")
    }
    assert set(metrics["psnr_auc"].details["by_kind"]) == set(PLANTED)
    assert (metrics["psnr_auc"].floor, metrics["psnr_rank"].floor) == (0.5, 0.0)
    assert metrics["psnr_auc"].null["p025"] < 0.5 < metrics["psnr_auc"].null["p975"]
    assert abs(metrics["psnr_auc"].null["mean"] - 0.5) < 0.02
    keeper.close("complete")

    run = RunData.load(keeper.folder.path)
    found = {(record.candidate.partition("/")[0], record.metric): record for record in run.records}
    assert found["oracle@mask", "feature_distance_auc"].value == 1.0
    assert found["oracle@mask", "feature_distance_auc"].ceiling_by == "oracle"
    pixels = found["pixels@patch", "decoded_iou_auc"]
    assert pixels.value > 0.9
    assert pixels.n == 8
    assert pixels.details["best"]["distance"] == "decoded_iou"
    for metric in ("psnr_auc", "decoded_iou_auc", "feature_distance_auc"):
        assert found["constant@patch", metric].value == 0.5
    reading = intervals.reading_of(run, pixels)
    assert reading is not None
    assert reading.low <= pixels.value <= reading.high
    apart = intervals.difference_of(run, pixels, found["constant@patch", "decoded_iou_auc"])
    assert apart is not None
    assert apart.low > 0
    assert conclude(keeper.folder.path).failures == {}
    assert verify(keeper.folder.path).problems == []


def told(right: float, wrong: dict[str, float], count: int = 30, seed: int = 0) -> dict[str | None, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        None: random.normal(right, 1, count),
        **{kind: random.normal(mean, 1, count) for kind, mean in wrong.items()},
    }


def test_the_best_distance_is_named_with_its_lead_on_the_same_clips() -> None:
    sharp, dull = told(6.0, {"kind": 0.0}), told(0.5, {"kind": 0.0}, seed=1)
    found = named_best({"psnr": [dull], "lpips": [sharp]}, [str(n) for n in range(30)], 200)
    assert (found["distance"], found["next"]) == ("lpips", "psnr")
    value, low, high = found["lead"]
    assert 0 < low < value < high
    blind = {None: np.full(30, np.nan), "kind": np.full(30, np.nan)}
    assert named_best({"decoded_iou": [blind]}, [str(n) for n in range(30)], 50) == {}


def test_a_clip_of_which_one_answer_has_no_value_is_left_out_whole() -> None:
    values = told(1.0, {"kind": 0.0, "frozen": 0.0}, count=3)
    values["frozen"][1] = np.nan
    questions = questions_of(values)
    assert [len(one.right) for one in questions] == [1, 0, 1]
    assert [len(one.wrong) for one in questions] == [2, 0, 2]
    assert [len(one.wrong) for one in questions_of(values, ["kind"])] == [1, 1, 1]


def outcome(value: float, null: float = 0.5) -> Outcome:
    """Feature distance that tells so many of 100 clips' answers."""
    many = round(100 * value)
    stats = [{"of": "auc", "right": [1.0], "wrong": [0.0]}] * many + [
        {"of": "auc", "right": [-1.0], "wrong": [0.0]}
    ] * (100 - many)
    return Outcome(
        (
            Measurement(
                "feature_distance_auc", "ratio", "higher", (0.0, 1.0), stats=[stats], null={"mean": null, "p95": 0.6}
            ),
        )
    )


@pytest.mark.parametrize(
    ("control", "scored"),
    [("oracle@mask", (0.8, 0.5)), ("constant@patch", (0.6, 0.5)), ("pixels@patch", (0.7, 0.56))],
)
def test_a_control_out_of_its_range_breaks_the_suite(control: str, scored: tuple[float, float]) -> None:
    known = {"oracle@mask": (1.0, 0.5), "constant@patch": (0.5, 0.5), "pixels@patch": (0.7, 0.5)}
    assert judge({name: outcome(*values) for name, values in known.items()}).ok
    broken = judge({name: outcome(*values) for name, values in {**known, control: scored}.items()})
    assert not broken.ok
    assert any(text.startswith("OUT OF RANGE") for text in broken.sentences)


def test_the_suite_is_scored_where_it_is_named_and_brings_its_own_clips(builtins) -> None:
    from foresight_harness.planning.options import RunOptions
    from foresight_harness.planning.plan import datasets_of

    found = builtins.suite("verification")
    assert not found.default
    assert datasets_of(found, builtins, RunOptions()) == (CLIPS,)
    assert datasets_of(found, builtins, RunOptions(datasets=(DatasetChoice("photos"),))) == ()
