from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from foresight_harness.measuring.cache.leftovers import leftovers, making_place
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.surface.command import main

KEY = "a" * 64


def left(root: Path, name: str, *, age_s: float = 0.0) -> Path:
    place = root / "making" / name
    place.mkdir(parents=True)
    (place / "shard-00000.safetensors").write_bytes(b"half")
    for path in (place / "shard-00000.safetensors", place):
        os.utime(path, (time.time() - age_s,) * 2)
    return place


def test_command_removes_what_killed_runs_left_and_spares_what_is_being_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    here = platform.node()
    gone = [
        left(tmp_path, f"{KEY}.01234567.{ended.stdout.strip()}@{here}"),
        left(tmp_path, f"{KEY}.01234567"),
        left(tmp_path, f"{KEY}.89abcdef.1@elsewhere", age_s=2 * 86400),
    ]
    stays = [left(tmp_path, making_place(tmp_path, KEY).name), left(tmp_path, f"{KEY}.0.1@elsewhere")]
    held = left(tmp_path, f"{'b' * 64}.01234567")
    (tmp_path / "locks").mkdir(exist_ok=True)
    with FileLock(tmp_path / "locks" / f"{'b' * 64}.lock"):
        assert main(["cache", "prune", "--feature-cache", str(tmp_path), "--max-gib", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["leftovers"], told["freed_bytes"]) == (3, 12)
    assert not any(place.exists() for place in gone)
    assert all(place.exists() for place in [*stays, held])


def test_a_writer_that_is_killed_leaves_what_prune_finds(tmp_path: Path) -> None:
    code = (
        "import os, sys, torch; from pathlib import Path\n"
        "from foresight_harness.measuring.cache.store import ArrayStore\n"
        f"writer = ArrayStore(Path(sys.argv[1])).writer('{KEY}', {{'kind': 'clips'}})\n"
        "writer.__enter__(); writer.add(torch.zeros(1, 2)); writer._flush(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(leftovers(tmp_path))) == 1
    with ArrayStore(tmp_path).writer(KEY, {"kind": "clips"}) as writer:
        writer.add(torch.zeros(1, 2))
        assert len(list(leftovers(tmp_path))) == 1  # not what this process is making
