"""Rules about what may be committed."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> list[Path]:
    """Files that git tracks."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", sorted((ROOT / "constraints").glob("*.txt")), ids=lambda path: path.name)
def test_pins_hold_names_versions_and_hashes_only(path: Path) -> None:
    pin = r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+( ; [^:/]+?)?(    --hash=sha256:[0-9a-f]{64})+"
    pins = path.read_text(encoding="utf-8").replace(" \\\n", "").splitlines()
    for line in pins:
        assert re.fullmatch(pin, line), line
        assert "foresight" not in line
    assert len(pins) > (0 if path.name == "uv.txt" else 100)


def test_uv_is_pinned_wherever_it_is_fetched() -> None:
    pin = (ROOT / "constraints" / "uv.txt").read_text(encoding="utf-8")
    version = pin.partition(" ")[0]
    assert re.fullmatch(r"uv==[0-9.]+", version)
    assert pin in (ROOT / "constraints" / "workspace.txt").read_text(encoding="utf-8")
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert re.search(rf"^requires =\n    tox-uv==[0-9.]+\n    {re.escape(version)}\n", tox, re.MULTILINE)
    for path in tracked():
        if path.name == "Makefile" or path.suffix in (".yml", ".yaml", ".sh") or path.parent.name == ".ci":
            for line in path.read_text(encoding="utf-8").splitlines():
                if re.search(r"pip install\b.*\buv\b(?!\.txt)", line):
                    assert version in line, f"{path.name}: {line}"


def test_everything_that_a_member_asks_for_is_pinned() -> None:
    members = [path for folder in (".", "kits", "plugins") for path in (ROOT / folder).glob("*/pyproject.toml")]
    declared = [tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}) for path in members]
    ours = {one["name"] for one in declared if one}
    asked = {re.split(r"[^\w.-]", line)[0].lower() for one in declared for line in one.get("dependencies", ())}
    pins = (ROOT / "constraints" / "workspace.txt").read_text(encoding="utf-8")
    assert asked - ours <= set(re.findall(r"^([\w.-]+)==", pins, re.MULTILINE))
    assert len(asked - ours) > 20


def test_kits_and_plugins_declare_ranges_not_pins() -> None:
    for path in (*(ROOT / "kits").glob("*/pyproject.toml"), *(ROOT / "plugins").glob("*/pyproject.toml")):
        assert "==" not in path.read_text(encoding="utf-8"), path


def test_tree_is_small_and_holds_no_lock_file_and_no_output() -> None:
    files = tracked()
    assert sum(path.stat().st_size for path in files) < 40 * 2**20
    names = {str(path.relative_to(ROOT)) for path in files}
    assert not {name for name in names if name.endswith(("uv.lock", "package-lock.json"))}
    assert not {name for name in names if name.startswith(("runs/", ".foresight/", ".venv/"))}


def test_no_pickle_is_read_anywhere() -> None:
    for path in tracked():
        if path.suffix == ".py" and "/src/" in path.as_posix():
            text = path.read_text(encoding="utf-8")
            assert "pickle.load" not in text, path
            assert "trust_remote_code=True" not in text, path
            for call in re.findall(r"torch\.load\([^)]*\)", text):
                assert "weights_only=True" in call, path


def test_the_version_stands_in_code_package_and_changelog_alike() -> None:
    declared = tomllib.loads((ROOT / "harness" / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    code = (ROOT / "harness" / "src" / "foresight_harness" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{declared}"' in code
    released = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released[0] == declared


def test_changes_that_wait_for_a_release_are_of_a_known_kind() -> None:
    kinds = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]["fragment"]
    waiting = [path.name for path in (ROOT / "changelog").glob("*.md") if path.name != "README.md"]
    assert [name for name in waiting if name.split(".")[-2] not in kinds] == []


def test_security_says_what_is_trusted_and_how_to_report() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["What is trusted", "Reporting a problem"]
    assert "privately" in text.partition("## Reporting a problem")[2]
