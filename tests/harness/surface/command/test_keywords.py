"""``plan -k`` keeps what pytest's own ``-k`` keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.surface.command import main
from foresight_harness.surface.command.keywords import matching

TESTS = [
    (suite, f"{name}/identity/single/linear") for suite in ("spatial", "temporal") for name in ("pixels@p", "DINO@x")
]
SOURCE = """
import pytest

@pytest.mark.parametrize("candidate", {names})
def test_{suite}(candidate):
    pass
"""


@pytest.mark.parametrize(
    "expression",
    [
        "spatial",
        "not spatial",
        "dino",
        "spatial and PIXELS",
        "temporal or (pixels and not spatial)",
        "linear",
        "nosuch",
    ],
)
def test_an_expression_keeps_the_tests_that_pytest_keeps(expression: str, pytester: pytest.Pytester) -> None:
    for suite in ("spatial", "temporal"):
        names = [name for owner, name in TESTS if owner == suite]
        pytester.path.joinpath(f"test_{suite}.py").write_text(SOURCE.format(suite=suite, names=names))
    listed = pytester.runpytest("--collect-only", "-q", "-k", expression).outlines
    keeps = matching(expression)
    for suite, name in TESTS:
        assert keeps(suite, name) == any(line.endswith(f"test_{suite}[{name}]") for line in listed), (suite, name)


def test_an_expression_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^-k spatial or: .*write words joined by and, or, not and parentheses$"):
        matching("spatial or")


CHOICE = ["plan", "--candidate", "pixels@patch/identity/single/linear", "--dataset", "shapes"]


def test_a_plan_is_of_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*CHOICE, "-k", "spatial", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["suite"] for row in found["suites"]] == ["spatial"]
    assert found["cells"] == 1
    assert main([*CHOICE, "-k", "nosuch"]) == 2
    assert "-k nosuch: keeps none of" in capsys.readouterr().err
