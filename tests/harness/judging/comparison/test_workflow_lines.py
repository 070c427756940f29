"""The lines of the workflows that call ``foresight-bench``, carried out in a shell as a runner does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[4]


def lines(workflow: str, verb: str) -> list[dict[str, Any]]:
    """Steps of a workflow whose line calls that verb."""
    content = YAML(typ="safe").load((ROOT / ".github" / "workflows" / workflow).read_text(encoding="utf-8"))
    steps = [step for job in content["jobs"].values() for step in job["steps"]]
    return [step for step in steps if f"foresight-bench {verb}" in str(step.get("run", ""))]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder ``head`` in which ``.venv/bin/foresight-bench`` is this environment's."""
    place = tmp_path / "head"
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "bin" / "foresight-bench").symlink_to(Path(sys.executable).with_name("foresight-bench"))
    (place / "runs").mkdir()
    return place


def carry_out(step: dict[str, Any], where: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    shell = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
    path = f"{where / '.venv' / 'bin'}:{os.environ['PATH']}"  # as the action leaves it
    variables = {**os.environ, "PATH": path, **environment}
    return subprocess.run(shell, cwd=where, env=variables, capture_output=True, text=True, check=False)


def latest(runs: Path, run: Path) -> None:
    moved = Path(shutil.move(run, runs / run.name))
    (runs / "latest").unlink(missing_ok=True)
    (runs / "latest").symlink_to(moved.name)


def test_lines_of_a_pull_request_promote_the_base_and_compare_the_head(run_with, checkout: Path) -> None:
    (promote,), (compare,) = lines("pull-request.yml", "baseline"), lines("pull-request.yml", "compare")
    (checkout.parent / "result").mkdir()
    latest(checkout / "runs", run_with("base"))
    assert carry_out(promote, checkout).returncode == 0
    latest(checkout / "runs", run_with("worse", moved={0: -0.05}, noise=0.01))
    done = carry_out(compare, checkout, GITHUB_STEP_SUMMARY=str(checkout / "summary.md"))
    assert done.returncode == 1
    assert "::error title=regression::iou" in done.stderr, "standard output is the JSON alone"
    found = json.loads((checkout.parent / "result" / "compare.json").read_text())
    assert found["baseline"]["name"] == "base"
    assert (checkout.parent / "result" / "junit.xml").is_file()
    assert "### Regressed" in (checkout.parent / "result" / "comment.md").read_text()
    assert "### Regressed" in (checkout / "summary.md").read_text()


@pytest.mark.parametrize("workflow", ["main.yml", "nightly.yml"])
def test_line_that_verifies_the_run_of_a_job_does_so(workflow: str, scored_run: Path, checkout: Path) -> None:
    (verify,) = lines(workflow, "verify")
    latest(checkout / "runs", scored_run)
    assert carry_out(verify, checkout).returncode == 0


def test_line_of_the_night_draws_histories_of_what_main_recorded(run_with, checkout: Path) -> None:
    """Branch ``bench-data`` holds manifest and records of a run, no samples."""
    (history,) = lines("nightly.yml", "history")
    recorded = checkout / "recorded"
    for number in range(9):
        run = run_with(f"2026010{number + 1}T000000Z_abcdef{number}_0000", moved={0: -0.1 if number > 4 else 0.0})
        (recorded / run.name).mkdir(parents=True)
        for name in ("run.json", "records.jsonl"):
            shutil.copy(run / name, recorded / run.name / name)
    done = carry_out(history, checkout)
    assert done.returncode == 0, done.stderr
    assert "encoder_0" in (checkout / "history.html").read_text(encoding="utf-8")
