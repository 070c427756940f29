"""Every command of ``docs/experiments.md`` can be planned, at its scale and at the default one, on clips too."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from foresight_harness.surface.command import main

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S) for line in block.splitlines()]


def planned(command: str) -> tuple[list[str], list[str], str]:
    """The same as ``foresight-bench plan``, the gates that it names, and its matrix."""
    program, place, *rest = shlex.split(command)
    assert program == "pytest"
    assert (ROOT / place).exists()
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    suite = re.fullmatch(r"benchmarks/test_(\w+)\.py", place)
    arguments = ["plan", "--json", *(["--suite", suite[1]] if suite else [])]
    arguments += [word for pair in pairs if pair[0] != "--gate" for word in pair]
    return arguments, [value for name, value in pairs if name == "--gate"], dict(pairs)["--matrix"]


def test_every_experiment_of_the_document_has_a_command() -> None:
    for section in TEXT.split("\n## ")[1:]:
        assert re.match(r"E1\.[1-6] ", section)
        assert "```sh\npytest " in section
    assert TEXT.count("\n## E1.") == 6


VARIANTS: dict[str, tuple[bool, tuple[str, ...]]] = {
    "as it stands": (True, ()),
    "at the default scale": (False, ()),
    "there on clips": (False, ("--dataset", "moving_shapes")),
}
"""What becomes of a command: whether its scale is kept, and what is added."""


def without_scale(arguments: list[str]) -> list[str]:
    """Arguments of a plan at the matrix's own scale."""
    at = arguments.index("--scale") if "--scale" in arguments else len(arguments)
    return arguments[:at] + arguments[at + 2 :]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_command_can_be_planned_and_scores_something(
    command: str, variant: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    arguments, gates, matrix = planned(command)
    kept, added = VARIANTS[variant]
    assert main([*(arguments if kept else without_scale(arguments)), *added]) == 0
    assert json.loads(capsys.readouterr().out)["cells"] > 1
    for gate in gates:
        content = tomllib.loads((ROOT / "benchmarks" / "gates" / f"{gate}.toml").read_text(encoding="utf-8"))
        assert content["matrix"] == matrix
