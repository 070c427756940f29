"""The pytest plugin as people use it: real sessions, few pictures."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

import pytest
from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.record_file import read_records

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.usefixtures("few_pictures")


def records(pytester: pytest.Pytester) -> list[Record]:
    return read_records(pytester.path / "runs" / "latest" / "records.jsonl")


def test_only_what_is_asked_for_is_computed(dropin: Path, benchmarks, pytester: pytest.Pytester) -> None:
    result = benchmarks("-k", "gradients_tiny and spatial")
    assert result.ret == 0
    assert {line.suite for line in records(pytester)} == {"spatial"}
    manifest = json.loads((pytester.path / "runs" / "latest" / "run.json").read_text())
    forwarded = manifest["extraction"]["pictures_forwarded"]
    assert set(forwarded) == {"gradients_tiny", "oracle", "pixels", "constant"}
    assert forwarded["gradients_tiny"] == 24 + 16
    assert manifest["plan"]["measured"]["disk_bytes"] > 2**20
    assert 2**28 < manifest["plan"]["measured"]["memory_bytes"] == manifest["plan"]["measured"]["memory_sum_bytes"]
    result.stdout.fnmatch_lines(["plan: * s taken, * predicted; * GiB in the largest process, *"])
    assert (pytester.path / "runs" / "latest" / "report.html").stat().st_size > 10_000


def test_controls_stand_beside_candidates_even_when_only_these_were_asked_for(
    dropin: Path, benchmarks, pytester: pytest.Pytester
) -> None:
    benchmarks("--candidate", "gradients_tiny*", "-k", "spatial")
    roles = {line.candidate.partition("@")[0]: line.role for line in records(pytester)}
    assert roles == {
        "gradients_tiny": "candidate",
        "oracle": "ceiling",
        "pixels": "floor",
        "shuffled": "floor",
        "constant": "floor",
    }


def test_broken_plugin_is_one_red_test_and_everything_else_is_scored(
    plugin_module, dropin: Path, benchmarks, pytester: pytest.Pytester
) -> None:
    plugin_module("broken", "raise RuntimeError('needs a library')")
    result = benchmarks("--candidate", "gradients_tiny*", "-k", "spatial or plugin")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["plugin 'broken' cannot be imported: RuntimeError: needs a library"])
    result.stdout.fnmatch_lines(["FAILED*test_plugin_imports?broken?*", "1 failed,*"])
    assert any(line.candidate.startswith("gradients_tiny") and line.status == "ok" for line in records(pytester))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--candidate", "dinov9@last/identity/single/linear"], "unknown encoder 'dinov9'"),
        (["--candidate", "pixels@patch/identity/single/lineer"], "did you mean linear?"),
        (["--candidate", "nothing*"], "fits nothing"),
        (["--dataset", "shaeps"], "unknown data set 'shaeps'; did you mean shapes"),
        (["--dataset", "coco"], "--dataset coco:DIR"),
        (["--dataset", "coco:nowhere"], "--dataset coco:nowhere: nowhere does not exist"),
        (["--scale", "huge"], "--scale huge"),
        (["--probe", "pooled_mlp"], "--probe pooled_mlp: for the audit alone"),
        (["--weights", "wrong"], "--weights wrong"),
        (["--weights-source", "pixels"], "write NAME=SOURCE"),
        (["--weights-source", "pixels=/x", "--candidate", "pixels*"], "pixels loads no pretrained weights"),
        (["--matrix", "nowhere"], "no matrix 'nowhere'"),
        (["--out", "/proc/nowhere"], "--out /proc/nowhere cannot be written"),
        (["--feature-cache", "/proc/nowhere"], "--feature-cache /proc/nowhere cannot be written"),
        (["--feature-cache", "gopher://host/folder"], "gopher:// is not known"),
        (["--feature-cache", "file://host/folder"], "file URL has three slashes"),
    ],
)
def test_usage_error_is_one_line_and_exit_4(benchmarks, arguments: list[str], message: str) -> None:
    result = benchmarks(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.errlines + result.outlines if "ERROR" in line]
    assert len(lines) == 1
    assert message in lines[0]


def test_two_plugins_with_one_name_are_exit_4_and_both_are_named(plugin_module, benchmarks) -> None:
    source = """
from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.record_file import read_records
from foresight_harness import hookimpl, EnhancerSpec
@hookimpl
def foresight_enhancers():
    return [EnhancerSpec("sharper", build=None, output_shape=None)]
"""
    plugin_module("first", source)
    plugin_module("second", source)
    result = benchmarks()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "offered by both 'first' and 'second'" in "\n".join(result.errlines + result.outlines)


def test_strict_plugins_stop_the_session(plugin_module, benchmarks) -> None:
    plugin_module("broken", "raise RuntimeError('needs a library')")
    assert benchmarks("--strict-plugins").ret == pytest.ExitCode.USAGE_ERROR


def test_folder_of_photographs_never_seen_before_is_scored(
    dropin: Path, benchmarks, pytester: pytest.Pytester, photographs: Path
) -> None:
    result = benchmarks("--dataset", f"coco:{photographs}", "--candidate", "gradients_tiny*", "-k", "spatial")
    assert result.ret == 0
    assert {line.dataset for line in records(pytester)} == {"coco", "shapes"}


def test_image_that_is_not_one_is_a_failed_cell_that_names_the_file(
    dropin: Path, benchmarks, pytester: pytest.Pytester, photographs: Path
) -> None:
    broken = sorted((photographs / "images").iterdir())[3]
    broken.write_text("no picture")
    result = benchmarks("--dataset", f"coco:{photographs}", "--candidate", "gradients_tiny*", "-k", "spatial")
    assert result.ret == 1
    failed = [line for line in records(pytester) if line.status == "failed"]
    assert failed
    assert broken.name in failed[0].error
    assert "in read_picture" in failed[0].trace
    shown = [line for line in result.outlines if broken.name in line]
    assert shown[0].startswith(f"{broken} cannot be read as a picture")
    assert not any("Traceback" in line or "pictures.py" in line for line in result.outlines)
    assert any(line.dataset == "shapes" and line.status == "ok" for line in records(pytester))


def test_box_outside_its_picture_is_left_out_and_said(
    dropin: Path, benchmarks, pytester: pytest.Pytester, photographs: Path
) -> None:
    path = photographs / "annotations.json"
    content = json.loads(path.read_text())
    content["annotations"][4]["bbox"] = [900, 900, 60, 50]
    path.write_text(json.dumps(content))
    result = benchmarks("--dataset", f"coco:{photographs}", "--candidate", "gradients_tiny@*", "-k", "spatial")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["coco: left out 1 object whose box lies outside of its picture*"])
    assert {line.status for line in records(pytester)} == {"ok"}


def test_data_set_without_boxes_is_said_not_scored(benchmarks, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        *("benchmarks", "--dataset", "photos", "--candidate", "pixels@patch/identity/single/linear"),
        *("-k", "spatial", "-q", "-rs"),
    )
    result.stdout.fnmatch_lines(["*no data set of this run has what the suite needs*"])


def test_plugin_is_inert_in_a_session_of_other_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_x():\n    assert 'foresight_dropin' not in sys.modules")
    result = pytester.runpytest_inprocess("-q")
    assert result.ret == 0
    assert not (pytester.path / "runs").exists()
    assert "foresight" not in "\n".join(result.outlines)


def test_fixtures_of_other_projects_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import pytest
from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.record_file import read_records

@pytest.mark.parametrize("plugin", ["mine"])
@pytest.mark.parametrize("cell", [1, 2])
def test_x(cell, plugin):
    assert cell in (1, 2)
"""
    )
    pytester.runpytest_inprocess("-q").assert_outcomes(passed=2)


def test_exporter_that_fails_is_one_line_and_the_run_stands(
    plugin_module, dropin: Path, benchmarks, pytester: pytest.Pytester
) -> None:
    source = """
from foresight_harness import hookimpl
@hookimpl
def foresight_record(record):
    raise ConnectionError("no answer")
"""
    plugin_module("far", source)
    result = benchmarks("--candidate", "gradients_tiny*", "-k", "structure")
    assert result.ret == 0
    told = [line for line in result.outlines if "no answer" in line]
    assert told == [
        "exporter far failed and was stopped (ConnectionError: no answer); the run folder holds every record"
    ]
    assert len(records(pytester)) > 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mlflw", "--export mlflw: unknown; choose one of mlflow, trackio, wandb"),
        ("wandb", "--export wandb: wandb not installed; pip install 'foresight-harness[[]wandb]'"),
    ],
)
def test_exporter_that_cannot_be_had_is_one_line_and_exit_4_before_any_work(
    name: str, message: str, benchmarks, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foresight_harness.running.exporters import catalogue

    monkeypatch.setattr(catalogue, "find_spec", lambda package: None)
    result = benchmarks("--export", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.errlines + result.outlines if "ERROR" in line]
    assert len(lines) == 1
    assert fnmatch(lines[0], f"*{message}")
    assert not (pytester.path / "runs").exists()


def test_analysis_that_fails_is_one_line_and_exit_1(
    dropin: Path, benchmarks, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    from foresight_harness.judging.analyses import Kind, catalogue

    monkeypatch.setattr(catalogue, "KINDS", (Kind("audit", "foresight_harness.judging.analyses.nowhere"),))
    result = benchmarks("--candidate", "gradients_tiny*", "-k", "spatial")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["analysis audit failed: ModuleNotFoundError: *"])
    assert (pytester.path / "runs" / "latest" / "report.html").is_file()
