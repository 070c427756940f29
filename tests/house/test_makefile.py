"""What the Makefile hands on to what it starts."""

from __future__ import annotations

import os
import subprocess
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
