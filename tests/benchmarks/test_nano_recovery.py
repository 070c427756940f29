"""The study of what gives places back: its candidates, its arithmetic, and the decision page that goes with it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from foresight_harness.judging.decisions.decision_files import find_proposals
from foresight_harness.judging.gates import find_gates
from foresight_harness.planning.candidates import select, select_candidates
from foresight_harness.planning.registry import load_registry

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ROOT / "benchmarks" / "studies"
PAGES = STUDIES / "nano_recovery"


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nano_vlm_recovery", STUDIES / "nano_vlm_recovery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def candidates(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of the matrix, as if every weight were there."""
    monkeypatch.setattr(select, "absent_weights", lambda *asked: None)
    found = select_candidates(load_registry(), [], "nano_recovery", [ROOT / "benchmarks" / "matrices"], "smoke")
    return [str(entry.candidate) for entry in found.candidates]


def test_the_matrix_holds_both_ends_of_the_way_and_each_candidate_on_it(study: Any, candidates: list[str]) -> None:
    assert {study.LAST, study.WHERE, *study.WAYS.values()} <= {study.short(name) for name in candidates}
    assert "what@llm.04/bilinear" in map(study.short, candidates)


def test_a_share_is_of_the_way_and_more_intervals_together_are_wider(study: Any) -> None:
    low = np.random.default_rng(0).uniform(0, 0.4, 300)
    high, half = low + 0.4, low + 0.2
    value, *ends = study.share_of(half, low, high, tests=1)
    assert value == pytest.approx(0.5)
    assert ends == pytest.approx([0.5, 0.5])
    noisy = half + np.random.default_rng(1).normal(0, 0.2, 300)
    alone, together = (study.share_of(noisy, low, high, tests=tests) for tests in (1, 15))
    assert together[1] < alone[1] < alone[0] < alone[2] < together[2]


def made_up(study: Any, gain: float, seed: int) -> dict[str, Any]:
    low = np.random.default_rng(seed).uniform(0.2, 0.5, 200)
    return {study.LAST: low, study.WHERE: low + 0.3} | dict.fromkeys(study.WAYS.values(), low + gain)


def test_a_candidate_gives_back_and_reaches_only_where_every_seed_does(study: Any) -> None:
    found = {seed: made_up(study, 0.28, seed) for seed in range(3)}
    assert study.judged(found)["verdicts"]["SEM"] == {"gives": True, "reaches": True}
    found[1] = made_up(study, 0.12, 1)
    assert study.judged(found)["verdicts"]["SEM"] == {"gives": True, "reaches": False}
    found[2] = made_up(study, 0.0, 2)
    told = study.judged(found)
    assert told["verdicts"]["SEM"] == {"gives": False, "reaches": False}
    assert told["rows"]["SEM"]["1"]["share"][0] == pytest.approx(0.4)


def test_fewer_seeds_than_promised_tell_nothing_but_a_miss(study: Any) -> None:
    assert study.judged({0: made_up(study, 0.28, 0)})["verdicts"]["SEM"] == {"gives": None, "reaches": None}
    assert study.judged({0: made_up(study, 0.05, 0)})["verdicts"]["SEM"] == {"gives": False, "reaches": False}


def test_rules_of_its_page_are_about_candidates_of_the_matrix_and_quote_the_docs(candidates: list[str]) -> None:
    gates = find_gates(["all"], [PAGES / "gates"], load_registry())
    (proposal,) = find_proposals(PAGES / "decisions", [gate.name for gate in gates])
    lines = (ROOT / "docs" / "nano-vlms.md").read_text(encoding="utf-8").splitlines()
    quoted = [*(rule for gate in gates for rule in gate.rules), *proposal.branches]
    assert all(each.quote in lines[each.line - 1] for each in quoted)
    for gate in gates:
        assert gate.family
        for rule in gate.rules:
            assert len([name for name in candidates if rule.fits(name)]) == 1
