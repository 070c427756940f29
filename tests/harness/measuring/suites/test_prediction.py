"""What comes next, in small: masks in colours beat both baselines, lost order and nothing at all beat none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from foresight_harness.contracts.outcomes import Measurement, Outcome
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.measuring.suites.prediction import horizons_of, seen_of
from foresight_harness.measuring.suites.prediction_controls import judge
from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
from foresight_harness.planning.plan import PlannedCell, datasets_of

CLIPS = DatasetChoice("moving_shapes_17")
NAMES = ("oracle@scene", "time_shuffled:oracle@scene", "constant@patch")


def cells_of(make_keeper, builtins, planned, monkeypatch, clips: DatasetChoice, names=NAMES):
    small = replace(scale.SCALES["smoke"], clips_train=24, clips_test=16, resamples=200)
    monkeypatch.setitem(scale.SCALES, "smoke", small)
    keeper = make_keeper(datasets=(clips,))
    cells = [planned(builtins, f"{name}/identity/single/linear", "prediction") for name in names]
    keeper.plan([PlannedCell(cell.candidate, cell.suite, clips, clips=True) for cell in cells])
    return keeper


def values(outcome: Outcome, metric: str) -> np.ndarray:
    return next(one.values for one in outcome.measurements if one.metric == metric)


def test_controls_land_where_they_are_known_to(make_keeper, builtins, planned, monkeypatch) -> None:
    keeper = cells_of(make_keeper, builtins, planned, monkeypatch, CLIPS)
    outcomes = {name: keeper.run_cell(cell) for name, cell in zip(NAMES, keeper.planned, strict=True)}
    assert all(outcome.controls_ok for outcome in outcomes.values())
    for horizon in (1, 2, 4, 8):
        above = [
            np.nanmean(values(outcomes["oracle@scene"], f"over_{name}_{horizon}")) for name in ("copy", "velocity")
        ]
        assert min(above) > 0
        lost = [
            np.nanmean(values(outcomes["time_shuffled:oracle@scene"], f"over_{name}_{horizon}"))
            for name in ("copy", "velocity")
        ]
        assert min(lost) <= 0

    oracle = outcomes["oracle@scene"]
    whole = values(oracle, "future_iou")
    assert np.allclose(
        whole, np.mean([values(oracle, f"future_iou_{horizon}") for horizon in (1, 2, 4, 8)], axis=0), equal_nan=True
    )
    copied = oracle.details["baselines"]["copy_last"]["iou"]
    assert copied == sorted(copied, reverse=True)
    apart = values(oracle, "future_iou_2") - values(oracle, "over_copy_2")
    assert np.nanmean(apart) == pytest.approx(copied[1])
    assert (values(oracle, "latent_error_1") > 0).all()
    keeper.close("complete")
    assert verify(keeper.folder.path).problems == []


def test_of_nine_frames_five_are_seen_and_eight_ahead_is_not_asked(make_keeper, builtins, planned, monkeypatch) -> None:
    assert (seen_of(9), horizons_of(9)) == (5, (1, 2, 4))
    assert (seen_of(17), horizons_of(17)) == (9, (1, 2, 4, 8))
    clips = DatasetChoice("moving_shapes")
    keeper = cells_of(make_keeper, builtins, planned, monkeypatch, clips, NAMES[2:])
    outcome = keeper.run_cell(keeper.planned[0])
    measured = {one.metric for one in outcome.measurements}
    assert "future_iou_4" in measured
    assert "future_iou_8" not in measured


def outcome_of(copy: float, velocity: float) -> Outcome:
    """Differences of 40 clips with little noise, at one horizon."""
    random = np.random.default_rng(0)
    shared = {"unit": "ratio", "direction": "higher", "range": (-1.0, 1.0)}
    return Outcome(
        (
            Measurement("over_copy_4", values=random.normal(copy, 0.05, (1, 40)), **shared),
            Measurement("over_velocity_4", values=random.normal(velocity, 0.05, (1, 40)), **shared),
        )
    )


GOOD = {"oracle@scene": (0.4, 0.3), "time_shuffled:oracle@scene": (-0.1, 0.2), "constant@patch": (0.0, -0.2)}


@pytest.mark.parametrize(
    ("control", "scores"),
    [
        ("oracle@scene", (0.4, -0.2)),
        ("time_shuffled:oracle@scene", (0.3, 0.3)),
        ("constant@patch", (0.2, 0.1)),
    ],
)
def test_a_control_out_of_its_range_breaks_the_suite(control: str, scores: tuple[float, float]) -> None:
    assert judge({name: outcome_of(*known) for name, known in GOOD.items()}).ok
    broken = judge({name: outcome_of(*known) for name, known in {**GOOD, control: scores}.items()})
    assert not broken.ok
    assert any(text.startswith("OUT OF RANGE") for text in broken.sentences)


def test_the_suite_is_scored_where_it_is_named_and_brings_its_own_clips(builtins) -> None:
    found = builtins.suite("prediction")
    assert not found.default
    assert datasets_of(found, builtins, RunOptions()) == (CLIPS,)
    assert datasets_of(found, builtins, RunOptions(datasets=(DatasetChoice("shapes"),))) == ()
