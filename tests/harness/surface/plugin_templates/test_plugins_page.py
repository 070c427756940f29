"""The commands of docs/plugins.md, as they stand there, in a folder that holds what a clone holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from foresight_harness.running.run_folder.record_file import read_records

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Matrices, benchmarks and the workspace's own file; a ``pip`` that installs into a folder of this test."""
    folder = tmp_path / "clone"
    unwanted = shutil.ignore_patterns("perf", "studies", "__pycache__")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", folder)
    programs = Path(sys.executable).parent
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text(
        "#!/bin/sh\n"
        '[ "$1 $2 $#" = "install -e 3" ] || exit 64\n'
        f"exec '{programs}/uv' pip install --quiet --offline --no-deps --no-build-isolation --no-sources "
        f"--python '{sys.executable}' --target '{tmp_path}/site' \"./$3\"\n"
    )
    pip.chmod(0o755)
    return folder


@pytest.mark.slow
def test_ten_minutes_end_with_a_scored_candidate(clone: Path) -> None:
    (commands,) = BLOCKS
    assert "new-plugin mine --kind encoder" in commands
    paths = [str(clone.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    env = os.environ | {"PATH": os.pathsep.join(paths), "PYTHONPATH": str(clone.parent / "site")}
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=clone, env=env | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    records = read_records(clone / "runs" / "latest" / "records.jsonl")
    own = [one for one in records if one.candidate == "mine_tiny@last/identity/single/linear"]
    scores = {one.metric: one for one in own}
    assert {one.status for one in own} == {"ok"}
    assert scores["iou"].ci_low < scores["iou"].value < scores["iou"].ci_high
    assert (clone / "runs" / "latest" / "report.html").is_file()
    assert "mine_tiny@last/identity/single/linear" in done.stdout
