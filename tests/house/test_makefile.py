"""What the Makefile hands on to what it starts."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_bytecode_is_kept_by_what_make_starts_though_the_shell_forbids_it() -> None:
    # Without the variables of a make that runs the tests, which would have this one inherit its flags.
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    done = subprocess.run(
        ["make", "--no-print-directory", "--eval", "told: ; @env", "told"],
        cwd=ROOT,
        env=plain | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert "PYTHONUNBUFFERED" in names
    assert "PYTHONDONTWRITEBYTECODE" not in names


def test_what_pytest_leaves_beside_members_is_no_member() -> None:
    """``make setup`` after ``make test``: bytecode of ``plugins/conftest.py`` stands where members are looked for."""
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]["workspace"]
    homes = {member.removesuffix("/*") for member in workspace["members"] if member.endswith("/*")}
    assert homes
    assert {f"{home}/__pycache__" for home in homes if (ROOT / home / "conftest.py").is_file()} <= set(
        workspace["exclude"]
    )
