"""Gates as a conclusion of a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.judging.analyses.gates import analyse
from foresight_harness.judging.gates import find_gates, keep_gates
from foresight_harness.running.run_folder.run_data import RunData

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def gated(write_run, record):
    """A run that was asked for gate ``premerge_phase1``."""
    candidate = "qwen2_5_vl_7b@pre_merge/identity/single/linear"
    records = [
        record(candidate=candidate, probe="dense_ridge", ci_low=0.45, ci_high=0.55, per_sample=None),
        record(
            cell="c1",
            candidate=candidate,
            probe="dense_ridge",
            metric="map50",
            value=0.1,
            ci_low=0.06,
            ci_high=0.3,
            per_sample=None,
        ),
    ]
    path = write_run(records)
    committed = (ROOT / "benchmarks" / "gates" / "premerge_phase1.toml").read_text()
    unasked = path / "premerge_phase1.toml"
    unasked.write_text(re.sub(r"\[needs\].*?\n\n", "", committed, flags=re.DOTALL))
    kept = keep_gates(path, find_gates([str(unasked)], []))
    return write_run(records, gates=kept)


def test_gates_are_one_row_a_rule_and_candidate_with_verdict_and_source(gated: Path) -> None:
    found = analyse(RunData.load(gated)).as_json()
    first, second = found["rows"][:2]
    assert first["verdict"] == "GO"
    assert first["measured"] == {
        "value": 0.5,
        "low": 0.45,
        "high": 0.55,
        "n": 4,
        "method": "bootstrap-percentile-95",
    }
    assert first["source"] == "premerge:384 (Spatial Bbox IoU (pre-merge ViT) | > 0.4 | 0.2 - 0.4 | < 0.2)"
    assert second["verdict"] == "INCONCLUSIVE"
    assert second["needed_n"] > 23  # 4 x (0.12 / 0.05)^2 = 23.04, were the distance known
    assert found["gates"][0]["verdict"] == "INCONCLUSIVE"
    assert found["gates"][0]["digest"] == RunData.load(gated).manifest["gates"][0]["digest"]
    assert found["gates"][0]["source"] == "premerge, section 7.1"


def test_run_without_gates_concludes_nothing(write_run, record) -> None:
    assert analyse(RunData.load(write_run([record()]))) is None


def test_gate_that_was_changed_after_the_run_is_refused(gated: Path) -> None:
    kept = gated / "gates" / "premerge_phase1.toml"
    kept.write_text(kept.read_text().replace("bound = 0.4\n", "bound = 0.41\n").replace("[0.2, 0.4]", "[0.2, 0.41]"))
    with pytest.raises(RunFolderError, match="was changed after the run"):
        analyse(RunData.load(gated))
    kept.unlink()
    with pytest.raises(RunFolderError, match="cannot be read"):
        analyse(RunData.load(gated))
