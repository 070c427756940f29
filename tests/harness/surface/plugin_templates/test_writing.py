from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.surface.plugin_templates import KINDS, rendered, write_plugin

CONFIG = Path(__file__).resolve().parents[4] / "pyproject.toml"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_has_its_package_test_readme_and_environment(kind) -> None:
    files = rendered("mine", kind)
    package = "src/foresight_mine"
    assert {"pyproject.toml", "README.md", "tests/test_conformance.py", f"{package}/__init__.py"} <= set(files)
    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["entry-points"]["foresight"] == {"mine": "foresight_mine"}
    assert project["dependency-groups"]["test"]
    assert project["tool"]["tox"]["env"]["tests"]["dependency_groups"] == ["test"]
    assert "==" not in files["pyproject.toml"]
    readme = files["README.md"].lower()
    assert "known limits" in readme
    assert "licence" in readme


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_no_placeholder_and_nothing_unfinished_is_left(kind) -> None:
    for place, text in rendered("mine", kind).items():
        assert "$" not in text, place
        assert "TODO" not in text, place
        assert not text.endswith("\n\n"), place
        if place.endswith(".py"):
            for node in ast.walk(ast.parse(text)):
                assert not isinstance(node, ast.Pass), place
                assert not (isinstance(node, ast.Name) and node.id == "NotImplementedError"), place


def test_names_early_and_late_in_the_alphabet_lint_and_format_as_they_stand(tmp_path: Path) -> None:
    for kind in KINDS.values():
        for name in (f"a_{kind.name}", f"z_{kind.name}"):
            write_plugin(tmp_path / name, name, kind)
        name = f"{kind.name}_{'x' * 30}"[:30]
        write_plugin(tmp_path / "long" / name, name, kind)
    ruff = str(Path(sys.executable).with_name("ruff"))
    for arguments in (["check", "."], ["format", "--check", *(f"{end}_{kind}" for kind in KINDS for end in "az")]):
        command = [ruff, arguments[0], "--no-cache", "--config", str(CONFIG), *arguments[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_what_is_written_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_text

    def full(path: Path, text: str, encoding: str | None = None) -> int:
        if path.name == "test_conformance.py":
            raise OSError(28, "No space left on device")
        return real(path, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UsageError, match="cannot be written"):
        write_plugin(tmp_path / "mine", "mine", KINDS["metric"])
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_plugin(Path("/proc/nowhere/mine"), "mine", KINDS["metric"])
