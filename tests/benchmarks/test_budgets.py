"""Budgets of the proposals: their files are read, name matrices that there are, and add up as the documents say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.running.card_plans.budgets import read_budgets
from foresight_harness.surface.command import main

ROOT = Path(__file__).resolve().parents[2]
BUDGETS = read_budgets([ROOT / "benchmarks" / "budgets"])


def test_every_proposal_has_a_total_and_matrices_that_there_are() -> None:
    assert {one.proposal for one in BUDGETS if one.phase == "total"} == {"hybrid", "premerge", "sem", "vlms"}
    named = {name for one in BUDGETS for name in one.matrices}
    assert named <= {path.stem for path in (ROOT / "benchmarks" / "matrices").glob("*.toml")}


@pytest.mark.parametrize(("proposal", "buffer"), [("hybrid", 1.0), ("premerge", 1.0), ("sem", 1.3), ("vlms", 1.0)])
def test_phases_add_up_to_the_total(proposal: str, buffer: float) -> None:
    own = [one for one in BUDGETS if one.proposal == proposal]
    total = next(one for one in own if one.phase == "total")
    assert total.high_hours == pytest.approx(buffer * sum(one.high_hours for one in own if one is not total))


def test_the_study_of_a_proposal_is_planned_on_its_card(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    words = ["plan", "--matrix", "pivot1_premerge", "--scale", "full", "--device", "a100-80gb", "--dtype", "bfloat16"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    card = found["card"]
    assert card["disk_bytes"] == found["feature_bytes"]
    assert 0.1 < card["gpu_hours"] < 900, "the plan is a part of what the document reckons with"
    phases = [one["phase"] for one in card["budgets"] if one["proposal"] == "premerge"]
    assert len(phases) == 4
    extract = next(phase for phase in card["phases"] if phase["name"] == "extract")
    assert extract["bound_by"] == "arithmetic"
    assert extract["flops"] > 1e15
