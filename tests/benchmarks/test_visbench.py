"""The script that puts the closest peer beside the harness: what it adds up, and what it says without the peer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "perf" / "visbench.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script, which has the name of the peer, as a module of another name."""
    spec = importlib.util.spec_from_file_location("perf_visbench", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _round(cold_less: float, cached: float, compacted: float, disk: float) -> dict[str, dict[str, dict[str, Any]]]:
    """Turns in which the harness takes 1 of everything, and the peer this."""
    rest = {"decode_s": 0.0, "forward_s": 0.0, "files": 1, "peak_rss_mib": 1.0}
    one = {"whole_s": 1.0, "less_s": 1.0, "disk_mib": 1.0, **rest}
    taken = {"cold": cold_less, "cached": cached, "compacted": compacted}
    return {phase: {"ours": one, "peer": {**one, "less_s": less, "disk_mib": disk}} for phase, less in taken.items()}


def test_medians_over_rounds_are_held_against_the_criteria(script: ModuleType) -> None:
    rounds = [_round(7.5, 12, 9, 21), _round(6, 11, 9.5, 21), _round(9, 1, 30, 21)]
    found = script.judged(rounds)
    assert found["times_cheaper"]["cold_less"] == 7.5
    assert found["times_cheaper"]["cached"] == 11
    assert found["times_cheaper"]["compacted"] == 9.5
    assert found["criteria_met"] == {"cold_less": True, "cached": True, "compacted": False, "disk": True}


def test_calls_that_are_taken_off_are_timed_and_answer_as_before(script: ModuleType) -> None:
    clock = script.Clock()
    assert clock.timing("decode", lambda count: sum(range(count)))(300_000) == sum(range(300_000))
    assert clock.seconds["decode"] > 0
    assert clock.seconds["forward"] == 0


def test_without_the_peer_it_says_what_to_install() -> None:
    """``-S``: without installed packages, whatever is installed."""
    done = subprocess.run([sys.executable, "-S", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "visbench is not installed: uv pip install --no-deps visbench==0.27.0\n"
