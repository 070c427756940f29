"""Gates cannot be had for nothing: near-perfect numbers pass only where the evidence is what they are about."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabricated import Study
from fabricated_answers import write_answers
from foresight_harness.judging.gates import Gate, GateResult, find_gates, read_answers
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.running.run_folder.run_data import RunData

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "gates"
GATES = find_gates(["all"], [FOLDER])


def judged(study: Study, folder: Path, gates: list[Gate] = GATES) -> dict[str, GateResult]:
    answers = read_answers(write_answers(folder / "answers.toml", gates), gates)
    run = RunData.load(study.write(folder))
    return {gate.name: evaluate(gate, run, answers) for gate in gates}


def test_near_perfect_pipelines_of_the_documents_pass_every_gate(tmp_path: Path) -> None:
    results = judged(Study(), tmp_path)
    refused = {name: found.sentence for name, found in results.items() if found.verdict != "GO"}
    assert refused == {}
    assert len(results) == 32


CHEAP = {
    "linear decoder on stills": (Study(decoders={"ltx_video": "linear"}, datasets=("shapes", "coco")), "decoder is"),
    "random weights": (Study(weights="random"), "random weights"),
    "nano weights": (Study(weights="nano"), "nano weights"),
    "weights of no known origin": (Study(weights="pretrained"), "not known as published"),
    "raw pixels": (Study(from_pixels=True), "no trained encoder"),
    "eight samples": (Study(n=8), "at least 24 are needed"),
}
UNBEATEN = {
    "no better than its twin": (Study(twin_quality=0.955), "its twin with random weights does as well"),
    "no better than pixels": (Study(pixels_quality=0.99), "raw pixels does as well"),
    "twins left out": (Study(twins=False), "its twin with random weights was not measured"),
}
NO_NUMBER = {"vlm_week6"}
"""Asks people for their consent alone: there is no number that a twin could reach too."""


@pytest.mark.parametrize("how", [*CHEAP, *UNBEATEN])
def test_the_same_numbers_on_lesser_evidence_pass_no_gate(how: str, tmp_path: Path) -> None:
    study, reason = (CHEAP | UNBEATEN)[how]
    results = judged(study, tmp_path)
    passed = {name: found.sentence for name, found in results.items() if found.verdict == "GO"}
    assert passed.keys() == (NO_NUMBER if how in UNBEATEN else set()), passed
    said = [line for found in results.values() for one in found.findings for line in one.missing]
    assert any(reason in line for line in said), said[:3]
    assert not [name for name, found in results.items() if found.verdict == "NO-GO"], "missing evidence is no NO-GO"


def test_every_line_on_what_is_missing_names_what_to_do(tmp_path: Path) -> None:
    study, _ = CHEAP["linear decoder on stills"]
    results = judged(study, tmp_path, [gate for gate in GATES if gate.name in ("sem_cp3", "c1_success")])
    lines = {line for found in results.values() for one in found.findings for line in one.missing}
    assert lines
    assert all("pytest benchmarks/" in line and "\n" not in line for line in lines)
    assert any("--candidate 'qwen2_5_vl_7b@post_merge/sem/single/ltx_video'" in line for line in lines)


def test_weights_of_a_team_pass_where_it_vouches_for_them_and_the_verdict_says_so(tmp_path: Path) -> None:
    gates = [gate for gate in GATES if gate.name == "sem_gate1"]
    found = judged(Study(weights="trusted"), tmp_path, gates)["sem_gate1"]
    assert found.verdict == "GO"
    assert "trusted by --trust-weights, not known as published" in found.sentence


def test_poor_pipelines_of_the_documents_are_refused(tmp_path: Path) -> None:
    gates = [gate for gate in GATES if gate.name in ("premerge_tree", "hybrid_go1", "sem_gate1", "c1_success")]
    results = judged(Study(quality=0.15, twin_quality=0.1, pixels_quality=0.1, latency_ms=20_000.0), tmp_path, gates)
    assert {name: found.verdict for name, found in results.items()} == dict.fromkeys(results, "NO-GO")
