"""Every command of ``docs/experiments.md`` can be planned, at its scale and at the default one, on clips too, and those
of its own matrix score there."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from foresight_harness.planning.options import scale
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


FEW = {"train": 24, "test": 16, "pictures": 2, "resamples": 200, "clips_train": 8, "clips_test": 3, "clip_px": 64}
SCORED = [line for line in COMMANDS if "--matrix c1_experiments" in line]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features that the commands share, as a reader's do."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
@pytest.mark.parametrize("command", SCORED)
def test_command_scores_the_nano_model_at_the_default_scale_on_clips_and_on_pictures(
    command: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In small: few pictures, and the one tap after merging."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], **FEW))
    words = [*without_scale(shlex.split(command)[1:]), "-k", "post_merge and not shuffled", "--no-twins"]
    folders = ["--out", str(tmp_path / "runs"), "--feature-cache", str(cache)]
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*words, *folders, "-p", "no:cacheprovider", "-p", "no:unraisableexception"])
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]
    assert code == 0, said.getvalue()[-2000:]
    lines = (tmp_path / "runs" / "latest" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert {record["status"] for record in records} == {"ok"}
    assert {record["dataset"] for record in records} == {"moving_shapes", "shapes"}
