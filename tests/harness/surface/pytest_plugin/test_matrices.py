"""What a matrix says beside its candidates, in real sessions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("few_pictures")
CONTROLS = '[[group]]\nstreams = ["pixels@patch"]\n'
AUDITED = """
from dataclasses import replace
from foresight_harness import hookimpl
from foresight_harness.measuring.suites.specs import suite_specs

@hookimpl
def foresight_suites():
    return [replace(suite_specs()[0], name="audited", default=False)]
"""
TEST = """
import pytest

@pytest.mark.suite("{name}")
def test_{name}(foresight_cell):
    foresight_cell.score()
"""


@pytest.fixture
def session(pytester: pytest.Pytester, plugin_module: Callable[..., Path]):
    """Runs benchmarks of two suites, a plugin's one not a default one, under a matrix with the given head."""
    plugin_module("audited", AUDITED)
    folder = pytester.mkdir("benches")
    for name in ("spatial", "audited"):
        (folder / f"test_{name}.py").write_text(TEST.format(name=name))
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite")

    def run(head: str, *arguments: str) -> pytest.RunResult:
        (pytester.path / "mine.toml").write_text(head + CONTROLS)
        given = arguments if any(argument.startswith("benches") for argument in arguments) else ("benches", *arguments)
        return pytester.runpytest_inprocess(*given, "--matrix", "./mine.toml", "-q", "-p", "no:cacheprovider")

    return run


def scored(result: pytest.RunResult) -> set[str]:
    """Suites of the tests that would run."""
    return {line.partition("test_")[2].partition(".py")[0] for line in result.outlines if "::" in line}


@pytest.mark.parametrize(
    ("head", "arguments", "expected"),
    [
        ("", (), {"spatial"}),
        ('suites = ["audited"]\n', (), {"audited"}),
        ('suites = ["audited", "spatial"]\n', (), {"audited", "spatial"}),
        ("", ("benches/test_audited.py",), {"audited"}),
        ("", ("-k", "audited"), {"audited"}),
        ("", ("-k", "not audited"), {"spatial"}),
        ('suites = ["audited"]\n', ("-k", "spatial and pixels"), {"spatial"}),
    ],
)
def test_suites_are_those_of_the_matrix_or_those_that_the_command_names(
    session, head: str, arguments: tuple[str, ...], expected: set[str]
) -> None:
    assert scored(session(head, *arguments, "--collect-only")) == expected


def test_data_sets_and_scale_are_the_matrixs_where_the_command_names_none(session, pytester: pytest.Pytester) -> None:
    assert session('datasets = ["coins"]\nscale = "smoke"\n').ret == 0
    manifest = json.loads((pytester.path / "runs" / "latest" / "run.json").read_text())
    assert manifest["options"]["datasets"] == ["coins"]
    assert manifest["scale"] == "smoke"


def test_what_was_left_out_stands_in_the_run(session, pytester: pytest.Pytester) -> None:
    result = session('[[group]]\nstreams = ["nobodys@last"]\n', "--dataset", "shapes")
    assert result.ret == 0
    (reason,) = json.loads((pytester.path / "runs" / "latest" / "run.json").read_text())["left_out"]
    assert "nobodys" in reason
    result.stdout.fnmatch_lines([f"left out of the matrix: {reason.partition('[')[0]}*"])


def test_command_overrides_data_sets_and_scale_of_the_matrix(session, pytester: pytest.Pytester) -> None:
    result = session('datasets = ["coins"]\nscale = "full"\n', "--dataset", "shapes", "--scale", "smoke")
    assert result.ret == 0
    manifest = json.loads((pytester.path / "runs" / "latest" / "run.json").read_text())
    assert manifest["options"]["datasets"] == ["shapes"]
    assert manifest["scale"] == "smoke"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('suites = ["spatail"]\n', "unknown suite 'spatail'; did you mean spatial?"),
        ('datasets = ["coinz"]\n', "unknown data set 'coinz'; did you mean coins?"),
        ('datasets = ["coco"]\n', "--dataset coco:DIR"),
    ],
)
def test_unknown_name_in_a_matrix_is_one_line_and_exit_4(
    session, pytester: pytest.Pytester, head: str, message: str
) -> None:
    result = session(head)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.errlines + result.outlines if "ERROR" in line]
    assert len(lines) == 1
    assert message in lines[0]
    assert not Path(pytester.path / "runs").exists()
