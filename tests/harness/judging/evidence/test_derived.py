"""Numbers that records imply."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.judging.evidence.derived import derived, hours_of, records_behind
from foresight_harness.judging.gates import find_gates
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.judging.gates.vocabulary import CONVERGED, HOURS, STEPS
from foresight_harness.running.run_folder.run_data import RunData

A = "a@x/identity/qformer/ltx_video"
RESTED = {"fit": {"plateau": True, "steps": 3000, "earlier": [{"plateau": True, "steps": 1000}]}}
STABILITY = """schema = 1
title = "A gate"
document = "paper"
section = "1"
subject = "rule"
[[rule]]
id = "stability"
quote = "Training diverges"
line = 3
suite = "reconstruction"
metric = "fit_converged"
unit = "ratio"
direction = "higher"
bound = 0.5
"""


def picture(record, **changes):
    fields = {"suite": "reconstruction", "metric": "lpips", "candidate": A, "direction": "lower", "per_sample": None}
    return record(**{**fields, **changes})


def read(run: RunData, metric: str):
    (behind,) = records_behind(run, "reconstruction", metric, None)
    return derived(run, metric, behind, 1)


def test_steps_of_all_phases_count_once_the_loss_has_come_to_rest(write_run, record) -> None:
    run = RunData.load(write_run([picture(record, details=RESTED)]))
    assert read(run, STEPS).reading.value == 4000
    assert read(run, CONVERGED).reading.value == 1.0


def test_a_loss_that_still_falls_decides_nothing(write_run, record) -> None:
    run = RunData.load(write_run([picture(record, details={"fit": {**RESTED["fit"], "plateau": False}})]))
    assert read(run, STEPS).reading is None
    assert "still falling" in read(run, STEPS).reason


def test_a_fit_that_diverged_is_a_no_go_and_any_other_failure_is_not(write_run, record, tmp_path, builtins) -> None:
    path = tmp_path / "stability.toml"
    path.write_text(STABILITY)
    (gate,) = find_gates([str(path)], [], builtins)
    failed = picture(
        record, metric=None, value=None, status="failed", error="the fit diverged: loss nan at step 3 of 9"
    )
    assert evaluate(gate, RunData.load(write_run([failed]))).verdict == "NO-GO"
    lost = {**failed, "error": "out of memory"}
    assert evaluate(gate, RunData.load(write_run([lost]))).verdict == "NOT MEASURED"


def test_hours_are_of_every_cell_of_the_candidate_once(write_run, record) -> None:
    lines = [
        picture(record, wall_s=1800.0),
        picture(record, metric="psnr", wall_s=1800.0),
        record(cell="c1", candidate=A, wall_s=3600.0, per_sample=None),
        record(cell="c2", wall_s=9000.0, per_sample=None),
    ]
    run = RunData.load(write_run(lines))
    assert hours_of(run, A) == pytest.approx(1.5)
    assert read(run, HOURS).reading.value == pytest.approx(1.5)


def test_spread_over_scenes_is_their_standard_deviation_with_an_interval_around_it(write_run, record) -> None:
    values = np.random.default_rng(0).normal(0.3, 0.05, 300)
    line = picture(record, per_sample="values", value=float(values.mean()), n=300, range=[0.0, None])
    run = RunData.load(write_run([line], {"c0": {"lpips": {0: values.tolist()}}}))
    found = read(run, "lpips_spread").reading
    assert found.value == pytest.approx(values.std(ddof=1))
    assert found.low < 0.05 < found.high
    assert found.high - found.low < 0.015


def test_the_decoder_s_own_round_trip_is_read_from_the_ceiling(write_run, record) -> None:
    run = RunData.load(write_run([picture(record, ceiling=0.07)]))
    assert read(run, "lpips_ceiling").reading.value == 0.07
