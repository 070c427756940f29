"""The gates of the research documents, as committed."""

from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.judging.evidence.missing import right_decoder
from foresight_harness.judging.gates import find_gates

FOLDER = Path(__file__).resolve().parents[4] / "benchmarks" / "gates"
GATES = {gate.name: gate for gate in find_gates(["all"], [FOLDER])}


def test_every_table_of_the_five_documents_has_its_gate() -> None:
    assert set(GATES) == {
        *("premerge_phase1", "premerge_tree", "premerge_phase2", "premerge_phase3", "premerge_external"),
        *("hybrid_phase1", "hybrid_phase2", "hybrid_phase3", "hybrid_training"),
        *("hybrid_go1", "hybrid_go2", "hybrid_success"),
        *("sem_cp1", "sem_cp2", "sem_cp3", "sem_cp4", "sem_gate1"),
        *("vlm_phase1", "vlm_phase2", "vlm_matrix", "vlm_week2", "vlm_week5", "vlm_week6", "vlm_success"),
        "vlm_fallback",
        *("c1_success", "c1_hard_failures", "c1_soft_failures"),
        *("c1_linear_probe", "c1_merge_gap", "c1_position", "c1_end_to_end"),
    }
    assert {gate.document for gate in GATES.values()} == {"premerge", "hybrid", "sem", "vlms", "c1"}


def test_weights_of_the_decision_matrix_are_the_document_s() -> None:
    weights = {rule.id: rule.weight for rule in GATES["vlm_matrix"].rules if rule.weight}
    assert weights == {"spatial_iou": 40, "bbox_iou": 20, "cka": 15, "lpips": 15, "speed": 10}


@pytest.mark.parametrize(
    ("gate", "rule", "bound", "marginal", "target"),
    [
        ("premerge_phase1", "bbox_iou", 0.4, (0.2, 0.4), None),
        ("premerge_phase1", "map50", 0.15, (0.05, 0.15), None),
        ("premerge_phase3", "latency", 8000, (8000, 10000), 5000),
        ("hybrid_phase2", "ordering", 0.85, (0.75, 0.85), None),
        ("hybrid_phase3", "flicker", 0.02, (0.02, 0.04), None),
        ("sem_cp1", "iou", 0.2, None, None),
        ("sem_gate1", "spatial_iou", 0.6, None, None),
        ("vlm_phase2", "cka", 0.5, (0.4, 0.5), 0.6),
        ("c1_success", "psnr", 22, (18, 22), 25),
        ("c1_hard_failures", "spatial_iou", 0.4, None, None),
    ],
)
def test_bounds_are_the_document_s(gate: str, rule: str, bound: float, marginal, target) -> None:
    found = next(entry for entry in GATES[gate].rules if entry.id == rule)
    assert found.bound == pytest.approx(bound)
    assert found.marginal == (pytest.approx(marginal) if marginal else None)
    assert found.target == (pytest.approx(target) if target else None)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_every_rule_quotes_its_line(gate) -> None:
    for rule in gate.rules:
        assert rule.line > 0
        assert len(rule.quote) < 130
        if rule.measured_by == "harness" and not rule.compare:
            numbers = [rule.bound * factor for factor in (1, 100, 0.001)]
            said = any(f"{number:g}" in rule.quote or f"{number:.2f}" in rule.quote for number in numbers)
            explained = "comment" in gate.text or "8.2" in gate.text or rule.metric == "peak_mib"
            assert said or explained, (gate.name, rule.id)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_what_only_people_can_judge_is_kept_with_what_they_must_do(gate) -> None:
    for rule in gate.rules:
        assert rule.measured_by == "harness" or rule.ask


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_every_gate_states_what_its_evidence_must_be(gate) -> None:
    for needs in (gate.needs, *(rule.needs for rule in gate.rules)):
        assert needs.stated
        assert needs.weights == "published"
        assert needs.least_n >= 24
        assert needs.input_policy == "equal-pixels"
    assert gate.needs.better_than == ("twin", "pixels")


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_timings_name_the_whole_pipeline(gate) -> None:
    for rule in gate.rules:
        if rule.suite == "efficiency":
            assert rule.needs.times == ("encode", "enhance", "fuse", "adapt", "decode"), rule.id


PIXEL_DECODERS = (
    "linear",
    "adapter_50m",
    "ltx_video_tiny",
    "ltx_video_nano",
    "ltx_video_16px_nano",
    "adapter_10m:ltx_video_tiny",
)
FULL = ("c1_success", "c1_end_to_end", "sem_cp3", "sem_cp4", "sem_gate1", "vlm_phase2", "vlm_week5", "hybrid_go1")


@pytest.mark.parametrize("gate", FULL)
def test_full_pipelines_end_in_the_decoder_of_the_documents(gate: str) -> None:
    needs = GATES[gate].needs
    assert not [one for one in PIXEL_DECODERS if right_decoder(needs, f"a@x/identity/single/{one}")]
    assert right_decoder(needs, "a@x/identity/single/ltx_video")
    assert right_decoder(needs, "a@x/identity/single/adapter_10m:ltx_video")


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_matrix_that_measures_a_gate_exists(gate) -> None:
    assert (FOLDER.parent / "matrices" / f"{gate.matrix}.toml").is_file()
