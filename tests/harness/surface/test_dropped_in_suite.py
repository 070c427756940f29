"""A suite and a probe of a plugin that was dropped in: everywhere, without an edit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from foresight_harness.surface.command import main

ROOT = Path(__file__).resolve().parents[3]
CANDIDATE = "gradients_tiny@normed/identity/single/linear"
GATE = """schema = 1
title = "Objects are counted"
document = "a page"
section = "1"
decides = ["count"]

[[rule]]
id = "count"
quote = "off by less than ten"
line = 1
suite = "counting"
metric = "count_error"
unit = "objects"
direction = "lower"
bound = 10

[[rule]]
id = "alike"
quote = "any overlap at all"
line = 2
suite = "spatial"
metric = "iou"
probe = "most_alike"
unit = "ratio"
direction = "higher"
bound = 0.0
"""


@pytest.mark.usefixtures("dropin")
def test_the_command_lists_what_a_plugin_brings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--json"]) == 0
    found = {plugin["name"]: plugin for plugin in json.loads(capsys.readouterr().out)}
    assert found["dropin"]["offers"]["suite"] == ["counting"]
    assert found["dropin"]["offers"]["probe"] == ["most_alike"]
    assert found["builtin_suites"]["distribution"] == "foresight-harness"


@pytest.mark.usefixtures("dropin")
def test_a_plan_counts_its_cells_and_names_its_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    named = []
    for probes in ((), ("--probe", "most_alike")):
        assert main(["plan", "--candidate", CANDIDATE, *probes, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        suites = {row["suite"]: row for row in found["suites"]}
        assert suites["counting"]["cells"] == 2
        assert suites["counting"]["measures"] == "how many objects there are: error of the count"
        assert found["prediction"]["seconds"] > 0
        named.append(suites["spatial"]["probes"])
    assert named == ["dense_ridge", "dense_ridge, most_alike"]
    assert main(["plan", "--candidate", CANDIDATE, "--suite", "counted"]) == 2
    assert "unknown suite 'counted'; did you mean counting?" in capsys.readouterr().err
    assert main(["plan", "--candidate", CANDIDATE, "--probe", "most_alkie"]) == 2
    assert "unknown probe 'most_alkie'; did you mean most_alike?" in capsys.readouterr().err


@pytest.mark.usefixtures("dropin", "few_pictures")
def test_a_run_scores_ranks_gates_and_shows_them(pytester: pytest.Pytester) -> None:
    shutil.copytree(ROOT / "benchmarks", pytester.path / "benchmarks", ignore=shutil.ignore_patterns("perf", "studies"))
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")
    (pytester.path / "counts.toml").write_text(GATE)
    result = pytester.runpytest_inprocess(
        *("benchmarks", "--candidate", CANDIDATE, "--candidate", "pixels*", "-k", "counting or spatial", "-v"),
        *("--dataset", "shapes", "--probe", "most_alike", "--gate", "./counts.toml", "-p", "no:cacheprovider"),
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"benchmarks/test_other_suites.py::test_counting?{CANDIDATE}? PASSED*"])
    result.stdout.fnmatch_lines(["gate counts: GO. *"])
    run = pytester.path / "runs" / "latest"
    records = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    counted = [line for line in records if line["suite"] == "counting"]
    assert {line["metric"] for line in counted} == {"count_error"}
    assert all(0 < line["value"] < line["floor"] + 1 for line in counted)
    assert {line["probe"] for line in records if line["suite"] == "spatial"} == {"dense_ridge", "most_alike"}
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["suites"] == ["counting", "spatial"]
    assert manifest["suite_facts"]["counting"]["metrics"][0]["label"] == "Error of the count"
    assert manifest["probe_facts"]["most_alike"]["reads"] == "boxes"
    boards = json.loads((run / "analysis" / "rankings.json").read_text())["boards"]
    assert {board["metric"] for board in boards if board["suite"] == "counting"} == {"count_error"}
    rules = {row["rule"]: row for row in json.loads((run / "analysis" / "gates.json").read_text())["rows"]}
    assert rules["count"]["verdict"] == "GO"
    # 24 pictures to be like: the controls find out that a perfect mask is not read so, and bar the probe alone.
    assert rules["alike"]["verdict"] == "NOT MEASURED"
    assert "a control of its suite left its known range" in rules["alike"]["reason"]
    page = (run / "report.html").read_text()
    assert "Counting on shapes" in page
    assert "Error of the count" in page
    assert page.index("Spatial on shapes") < page.index("Counting on shapes")
