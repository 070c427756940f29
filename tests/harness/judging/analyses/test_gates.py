"""Gates as a conclusion of a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.judging.analyses.gates import analyse
from foresight_harness.judging.consistency.manifest import check_manifest
from foresight_harness.judging.gates import find_gates, keep_gates
from foresight_harness.judging.gates.gate_files import answers_of, keep_answers
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


ANSWERS = """schema = 1
[[answer]]
gate = "vlm_week6"
rule = "{rule}"
value = true
who = "A. Person"
when = 2026-02-01
evidence = "minutes, page 3"

[[answer]]
gate = "vlm_phase1"
rule = "on_time"
value = 2
who = "A. Person"
when = 2026-02-01
evidence = "a gate that this run was not asked for"
"""


@pytest.fixture
def answered(write_run, record, tmp_path: Path) -> Path:
    """A run that was asked for ``vlm_week6`` and given a file of answers, as a session keeps it."""
    folder = ROOT / "benchmarks" / "gates"
    gates = find_gates(["vlm_week6"], [folder])
    text = ANSWERS.format(rule=next(rule.id for rule in gates[0].rules if rule.by_person))
    (tmp_path / "given.toml").write_text(text)
    answers = answers_of(tmp_path / "given.toml", gates, [folder])
    path = write_run([record(per_sample=None)])
    kept = keep_answers(path, answers)
    return write_run([record(per_sample=None)], gates=keep_gates(path, gates), answers=kept)


def test_answers_of_a_run_are_kept_and_judged_again_from_the_run_alone(answered: Path) -> None:
    rows = analyse(RunData.load(answered)).as_json()["rows"]
    said = [row["answered"] for row in rows if row["answered"]]
    assert said == ["answered by A. Person on 2026-02-01: minutes, page 3"]
    assert not [line for line in check_manifest(RunData.load(answered)) if "answers.toml" in line]


def test_kept_answers_that_were_changed_are_refused_and_named(answered: Path) -> None:
    file = answered / "answers.toml"
    file.write_text(file.read_text().replace("true", "false"))
    with pytest.raises(RunFolderError, match=r"answers\.toml was changed after the run"):
        analyse(RunData.load(answered))
    assert "answers.toml, which holds what people answered, was changed" in list(check_manifest(RunData.load(answered)))


def test_answers_that_no_gate_asks_for_are_a_slip(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no gate was named"):
        answers_of(tmp_path / "given.toml", [], [])
