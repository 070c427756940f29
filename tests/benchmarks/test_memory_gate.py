"""The documents' memory gate (less than twice the post-merge baseline) on measured cells: one passes, one fails.

The encoder is real and small, with feed-forward layers so wide that two blocks of its language model outweigh all of
its vision side many times: what a 7B model is to its tower.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import foresight_qwen2_5_vl
import pytest
from foresight_harness.contracts.progress import silent
from foresight_harness.judging.gates import find_gates
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import SCALES, DatasetChoice, RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.run_data import RunData
from foresight_qwen2_5_vl.presets import PRESETS

GATES = Path(__file__).resolve().parents[2] / "benchmarks" / "gates"
NAME = "qwen2_5_vl_tiny"
CANDIDATES = {tap: f"{NAME}@{tap}/identity/single/linear" for tap in ("llm.02", "post_merge", "pre_merge")}


@pytest.fixture
def registry() -> Registry:
    """Every plugin, with a wide language model behind the tiny Qwen's tower."""
    (tiny,) = (preset for preset in PRESETS if preset.name == NAME)
    config = dict(tiny.config) | {"intermediate_size": 40_000}
    wide = foresight_qwen2_5_vl.spec_of(dataclasses.replace(tiny, config=config))
    found = load_registry()
    return dataclasses.replace(found, encoders={**found.encoders, NAME: dataclasses.replace(wide, params=None)})


def timer(work: Any, rounds: int) -> list[float]:
    work()
    return [0.01] * rounds


def test_the_memory_gate_refuses_a_tap_that_needs_the_language_model(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"train": 16, "test": 4, "pictures": 2, "clips_train": 4, "clips_test": 4}
    monkeypatch.setitem(SCALES, "smoke", dataclasses.replace(SCALES["smoke"], **few))
    options = RunOptions(
        datasets=(DatasetChoice("shapes"),),
        out=tmp_path / "runs",
        cache=tmp_path / "cache",
        admission="off",
        input="equal-pixels",
        input_size=224,
    )
    keeper = RunKeeper(registry, options, silent(), "pytest benchmarks/")
    suite = registry.suite("efficiency")
    cells = [
        PlannedCell(resolve(parse_candidate(name), registry), suite, DatasetChoice("shapes"))
        for name in CANDIDATES.values()  # the deep tap first: the encoder then holds blocks that no later cell needs
    ]
    keeper.plan(cells)
    for cell in cells:
        keeper.run_cell(cell, timer)
    keeper.close("complete")
    run = RunData.load(keeper.folder.path)
    peak = {record.candidate: record.number for record in run.records if record.metric == "peak_mib"}
    assert peak[CANDIDATES["llm.02"]] > 2 * peak[CANDIDATES["post_merge"]]
    assert peak[CANDIDATES["pre_merge"]] < 2 * peak[CANDIDATES["post_merge"]]

    (phase,) = find_gates(["premerge_phase1"], [GATES])
    (memory,) = (rule for rule in phase.rules if rule.id == "memory")
    for tap, would_be in (("llm.02", "NO-GO"), ("pre_merge", "GO")):
        about = dataclasses.replace(memory, candidates=(f"{NAME}@{tap}*",))
        gate = dataclasses.replace(phase, rules=(about,), candidates=about.candidates, decides=("memory",))
        (found,) = evaluate(gate, run).findings
        assert found.would_be == would_be, found.reason
        assert found.reference == CANDIDATES["post_merge"]
        assert found.verdict == "INCONCLUSIVE"  # its weights are random: the number is what would refuse or pass it
