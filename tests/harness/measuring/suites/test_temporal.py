"""The promise of the motion probe on the data of ``make bench``, and what is said where it is broken."""

from __future__ import annotations

import json

import numpy as np
import pytest
from foresight_harness.contracts.outcomes import Measurement, Outcome
from foresight_harness.measuring.suites.temporal_controls import judge
from foresight_harness.planning.options import DatasetChoice
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.suites import suite

NAMES = ("oracle@mask", "shuffled:oracle@mask", "time_shuffled:oracle@mask", "constant@patch")
CLIPS = DatasetChoice("moving_shapes")


@pytest.fixture
def bench(make_bench):
    return make_bench(datasets=(CLIPS,))


@pytest.fixture
def outcomes(bench, builtins, planned):
    """Outcome of each control on ``moving_shapes`` at the smoke scale."""
    cells = [planned(builtins, f"{name}/identity/single/linear", "temporal") for name in NAMES]
    bench.plan([PlannedCell(cell.candidate, cell.suite, CLIPS, clips=True) for cell in cells])
    return {name.partition("@")[0]: bench.run_cell(cell) for name, cell in zip(NAMES, bench.planned, strict=True)}


def mean(outcome: Outcome, metric: str) -> float:
    return float(np.nanmean(next(entry.values for entry in outcome.measurements if entry.metric == metric)))


def test_controls_land_where_they_are_known_to(outcomes, bench) -> None:
    direction = {name: mean(outcome, "direction_accuracy") for name, outcome in outcomes.items()}
    order = {name: mean(outcome, "ordering_accuracy") for name, outcome in outcomes.items()}
    assert direction["oracle"] >= 0.85
    assert order["oracle"] >= 0.85
    assert direction["shuffled:oracle"] <= 0.3
    assert direction["time_shuffled:oracle"] <= 0.45
    assert abs(order["time_shuffled:oracle"] - 0.5) <= 0.2
    assert direction["constant"] == pytest.approx(0.125)
    assert order["constant"] == 0.5
    assert all(outcome.controls_ok for outcome in outcomes.values())
    floors = {entry.metric: (entry.floor, entry.floor_by) for entry in outcomes["oracle"].measurements}
    assert floors == {"direction_accuracy": (0.125, "chance"), "ordering_accuracy": (0.5, "chance")}

    lines = [json.loads(line) for line in (bench.folder.path / "media" / "index.jsonl").read_text().splitlines()]
    clip = next(line for line in lines if line["kind"] == "clip")
    assert clip["frames"] == 9
    assert all((bench.folder.path / clip[name]).is_file() for name in ("path", "still"))


def test_the_suite_needs_motion_and_brings_its_own_clips_where_no_data_set_is_named(builtins) -> None:
    from foresight_harness.planning.options import RunOptions
    from foresight_harness.planning.plan import datasets_of

    found = suite("temporal")
    assert datasets_of(found, builtins, RunOptions()) == (CLIPS,)
    assert datasets_of(found, builtins, RunOptions(datasets=(DatasetChoice("photos"),))) == ()
    for other in ("spatial", "reconstruction", "alignment", "efficiency"):
        assert CLIPS not in datasets_of(suite(other), builtins, RunOptions())


def outcome_of(direction: float, order: float, count: int = 200) -> Outcome:
    rows = [
        np.array([[1.0] * round(share * count) + [0.0] * round((1 - share) * count)]) for share in (direction, order)
    ]
    shared = {"unit": "ratio", "direction": "higher", "range": (0.0, 1.0), "floor_by": "chance"}
    return Outcome(
        (
            Measurement("direction_accuracy", values=rows[0], floor=0.125, **shared),
            Measurement("ordering_accuracy", values=rows[1], floor=0.5, **shared),
        )
    )


GOOD = {
    "oracle@mask": (0.95, 1.0),
    "constant@patch": (0.125, 0.5),
    "shuffled:oracle@mask": (0.12, 0.9),
    "time_shuffled:oracle@mask": (0.25, 0.5),
}


@pytest.mark.parametrize(
    ("control", "scores"),
    [
        ("oracle@mask", (0.5, 1.0)),
        ("oracle@mask", (0.95, 0.6)),
        ("constant@patch", (0.4, 0.5)),
        ("shuffled:oracle@mask", (0.4, 0.9)),
        ("time_shuffled:oracle@mask", (0.6, 0.5)),
        ("time_shuffled:oracle@mask", (0.25, 0.8)),
    ],
)
def test_a_control_out_of_its_range_breaks_the_probe(control: str, scores: tuple[float, float]) -> None:
    assert judge({name: outcome_of(*known) for name, known in GOOD.items()}).ok
    broken = judge({name: outcome_of(*known) for name, known in {**GOOD, control: scores}.items()})
    assert not broken.ok
    assert any(text.startswith("OUT OF RANGE") for text in broken.sentences)
