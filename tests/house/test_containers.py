"""Dockerfiles and dev container: no builder here, so each line is held to what it names."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from foresight_harness.surface.command import command

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
KNOWN = {"FROM", "COPY", "ENV", "RUN", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}


def instructions(path: Path) -> list[tuple[str, str]]:
    """Instruction and the rest of its line; comments left out."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_there_is_one_for_a_cpu_and_one_for_cuda() -> None:
    assert [path.stem for path in FILES] == ["cpu", "cuda"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_are_known_the_base_is_tagged_and_nothing_runs_as_root(path: Path) -> None:
    found = instructions(path)
    assert {name for name, _ in found} <= KNOWN
    assert found[0][0] == "FROM"
    assert re.fullmatch(r"[a-z]+:\d+\.\d+-slim", found[0][1])
    users = [rest for name, rest in found if name == "USER"]
    assert users == ["foresight"]
    names = [name for name, _ in found]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name == "RUN")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_installed_is_there_and_what_is_started_is_the_command(path: Path) -> None:
    found = dict(instructions(path))
    assert json.loads(found["ENTRYPOINT"]) == ["foresight-bench"]
    assert json.loads(found["CMD"]) == ["--help"]
    (install,) = [rest for name, rest in instructions(path) if "uv pip install" in rest]
    words = shlex.split(install)
    for flag in ("--requirements", "--constraints"):
        if flag in words:
            assert (ROOT / words[words.index(flag) + 1]).is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_command_in_its_head_is_one_that_the_parser_understands(path: Path) -> None:
    (shown,) = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# docker run")]
    words = shlex.split(shown.partition(f"foresight:{path.stem} ")[2])
    options, _ = command(words[0]).parse_known_args(words)
    assert options.verb == "run"
    assert options.device == ("cuda" if path.stem == "cuda" else None)


def test_images_hold_every_distribution() -> None:
    text = (ROOT / "docker" / "requirements.txt").read_text(encoding="utf-8")
    listed = {line.removeprefix("./") for line in text.splitlines() if not line.startswith("#")}
    folders = [path.parent for path in ROOT.glob("*/pyproject.toml")]
    folders += [path.parent for kind in ("kits", "plugins") for path in ROOT.glob(f"{kind}/*/pyproject.toml")]
    assert listed == {str(folder.relative_to(ROOT)) for folder in folders}


def test_the_dev_container_builds_a_file_that_is_there_and_starts_the_doctor() -> None:
    place = ROOT / ".devcontainer"
    content = json.loads((place / "devcontainer.json").read_text(encoding="utf-8"))
    assert (place / content["build"]["dockerfile"]).resolve() in FILES
    assert (place / content["build"]["context"]).resolve() == ROOT
    words = shlex.split(content["postCreateCommand"].partition(" || ")[0])
    assert command(words[1]).parse_args(words[1:]).verb == "doctor"
