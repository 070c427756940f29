"""A session ends with a run that is sealed and contradicts itself nowhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.surface.command import main

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "local:1"])
def test_run_of_several_suites_verifies_and_its_page_may_be_made_again(engine: str, pytester: pytest.Pytester) -> None:
    unwanted = shutil.ignore_patterns("perf", "studies", "__pycache__")
    shutil.copytree(ROOT / "benchmarks", pytester.path / "benchmarks", ignore=unwanted)
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib --strict-markers")
    asked = ["--candidate", "pixels@patch/identity/single/linear", "--dataset", "shapes", "--train-size", "16"]
    asked += ["--picture-px", "64"]
    suites = "spatial or alignment" + (" or reconstruction" if engine == "local" else "")
    ended = pytester.runpytest_subprocess("benchmarks", "-q", *asked, "-k", suites, "--engine", engine)
    assert ended.ret == 0
    run = (pytester.path / "runs" / "latest").resolve()
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["sealed"] is True
    assert {one["split"] for one in manifest["datasets"]} == {"train", "test"}
    found = verify(run)
    assert found.problems == []
    assert found.seal
    assert main(["report", str(run)]) == 0
    assert verify(run).problems == []
