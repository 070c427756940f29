"""The project's sentinels, and the job of a pull request that scores them."""

from __future__ import annotations

import fnmatch
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]


def test_sentinel_job_scores_a_number_of_every_sentinel() -> None:
    content = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "pull-request.yml")
    words = shlex.split(content["jobs"]["sentinels"]["env"]["SENTINELS"])
    pytest_command = [sys.executable, "-m", "pytest", "benchmarks/", "--collect-only", "-q", *words]
    listed = subprocess.run(pytest_command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    cells = re.findall(r"::test_(\w+)\[(.+)\]", listed)
    patterns = tomllib.loads((ROOT / "benchmarks" / "sentinels.toml").read_text(encoding="utf-8"))["sentinel"]
    for pattern in patterns:
        glob = pattern.get("candidate", "*")
        assert any(suite == pattern["suite"] and fnmatch.fnmatchcase(name, glob) for suite, name in cells), pattern
