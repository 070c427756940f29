"""Does a run whose driver is killed again and again end as an undisturbed one?

    python benchmarks/studies/driver_kills.py [--kills 10] [--engine local:2] [--seed 8] [--write]

`pytest benchmarks/` is started on a plan of cheap cells and killed with SIGKILL at a moment drawn anew each time: from
its start until shortly after its first cell, so that some kills meet imports, some the first cell and some a later one.
After the last kill it is resumed to its end. The records are compared by digest with those of the undisturbed run, and
cells that were finished at a kill must not have been scored again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from foresight_harness.run.digests import run_digests
from foresight_harness.run.folder import find_run, read_lines

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ("pixels@patch", "oracle@mask")
ENHANCERS = ("identity", "bilinear", "nearest")
RECORD = Path(__file__).with_suffix(".json")
PATIENCE_S = 3600.0


def launch(folder: Path, engine: str, *, resume: bool) -> subprocess.Popen[bytes]:
    """Start the run, or go on with it."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(ROOT / "benchmarks" / "test_spatial.py"),
    ]
    command += [str(ROOT / "benchmarks" / "test_alignment.py"), "--engine", engine, "--dataset", "shapes"]
    command += ["--out", str(folder / "runs"), "--feature-cache", str(folder / "cache")]
    for stream in STREAMS:
        for enhancer in ENHANCERS:
            command += ["--candidate", f"{stream}/{enhancer}/single/linear"]
    log = (folder / "log.txt").open("ab")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *(["--resume"] if resume else [])], cwd=ROOT, stdout=log, stderr=log, env=environment
    )


def records_of(folder: Path) -> list[dict[str, Any]]:
    """Records so far; none before the run has a folder."""
    try:
        return read_lines(find_run(folder / "runs") / "records.jsonl")
    except Exception:
        return []


def finished(records: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds of every cell whose records are all there: they tell whether it was scored again."""
    by_cell: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_cell.setdefault(record["cell"], []).append(record)
    return {cell: lines[0]["wall_s"] for cell, lines in by_cell.items() if len(lines) == lines[0]["of_cell"]}


def has_run(folder: Path) -> bool:
    """Whether there is anything to resume."""
    try:
        find_run(folder / "runs")
    except Exception:
        return False
    return True


def undisturbed(folder: Path, engine: str) -> tuple[float, float]:
    """Run to the end: seconds to the first record, and from there."""
    began = time.monotonic()
    process = launch(folder, engine, resume=False)
    while process.poll() is None and not records_of(folder):
        time.sleep(0.1)
    start_s = time.monotonic() - began
    assert process.wait(PATIENCE_S) == 0, (folder / "log.txt").read_text()
    return start_s, time.monotonic() - began - start_s


def torn(folder: Path, arguments: argparse.Namespace, latest_s: float) -> list[dict[str, Any]]:
    """Kill the driver again and again; what was there at each kill."""
    draw = random.Random(arguments.seed)
    kills: list[dict[str, Any]] = []
    while len(kills) < arguments.kills:
        process = launch(folder, arguments.engine, resume=has_run(folder))
        moment = draw.uniform(0, latest_s)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        else:  # it came to its end: the kills shall be in a row, so all over again with earlier moments
            print(
                f"the run ended before kill {len(kills) + 1}; once more from the start, with earlier kills", flush=True
            )
            shutil.rmtree(folder)
            folder.mkdir()
            kills, latest_s = [], latest_s * 0.8
            continue
        kills.append({"after_s": round(moment, 2), "records": len(records_of(folder))})
        print(f"kill {len(kills)} after {moment:.1f} s, {kills[-1]['records']} records", flush=True)
        time.sleep(1.0)  # workers look twice a second whether their driver is there
    return kills


def main() -> None:
    """Run whole, run torn, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--engine", default="local:2")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        calm, rent = Path(place, "calm"), Path(place, "torn")
        calm.mkdir()
        rent.mkdir()
        start_s, work_s = undisturbed(calm, arguments.engine)
        kills = torn(rent, arguments, start_s + 2 * work_s / arguments.kills)
        left = finished(records_of(rent))
        assert launch(rent, arguments.engine, resume=has_run(rent)).wait(PATIENCE_S) == 0, (
            rent / "log.txt"
        ).read_text()
        ended, whole = records_of(rent), records_of(calm)
    again = [cell for cell, wall_s in left.items() if finished(ended).get(cell) != wall_s]
    found = {
        "command": " ".join(["python benchmarks/studies/driver_kills.py", *sys.argv[1:]]),
        "kills": kills,
        "records": len(whole),
        "finished_at_the_last_kill": len(left),
        "scored_again": len(again),
        "digests_equal": run_digests(ended) == run_digests(whole) and len(ended) == len(whole),
    }
    print(json.dumps(found, indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not found["digests_equal"] or again:
        sys.exit("the torn run did not end as the undisturbed one")


if __name__ == "__main__":
    main()
