"""What does `foresight-bench history` cost over thousands of runs, the first time and after?

    python benchmarks/perf/history.py [--runs 5000] [--write]

One small run is scored for real, and copied into as many folders with ids, dates, commits and numbers of their own: a
level with noise that drops by 0.03 two thirds of the way. The command is started anew each time, as a user does, and
its processor seconds are counted, start of Python and all 5,000 points as JSON included: the first time, and again. The
index alone (`refresh` in one process) is timed with nothing changed, with ten runs more, and with one that went on.
Budgets: 20 s the first time, 1 s for the index after.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from foresight_harness import score
from foresight_harness.judging.comparison.index import NAME, refresh

RECORD = Path(__file__).with_suffix(".json")
MOST_FIRST_S, MOST_AFTER_S = 20.0, 1.0
CANDIDATE = "pixels@patch/identity/single/linear"
DROP = 0.03


def one_run(place: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Manifest and records of a run of controls."""
    names = [CANDIDATE, "oracle@mask/identity/single/linear"]
    run = score(names, ("spatial", "alignment"), "shapes", out=place, feature_cache=place / "cache", train_size=24)
    manifest = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    lines = (run.path / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return manifest, [json.loads(line) for line in lines]


def copies(place: Path, numbers: range, whole: int, run: tuple[dict[str, Any], list[dict[str, Any]]]) -> list[Path]:
    """Run folders with ids, dates, commits and values of their own."""
    manifest, records = run
    fixed = [json.dumps(one) for one in records]
    folders = []
    for number in numbers:
        draw = random.Random(number)
        started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        folder = place / f"{started:%Y%m%dT%H%M%SZ}_{number:07x}_{draw.randrange(1 << 16):04x}"
        folder.mkdir()
        told = {**manifest, "started": started.isoformat(), "environment": {"git_sha": f"{number:040x}"}}
        (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
        shift = draw.gauss(0.0, 0.003) - (DROP if number >= 2 * whole // 3 else 0.0)
        lines = list(fixed)
        for place_of, one in enumerate(records):
            if one["metric"] == "iou" and one["candidate"] == CANDIDATE:
                lines[place_of] = json.dumps({**one, "run": folder.name, "value": one["value"] + shift})
        (folder / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        folders.append(folder)
    return folders


def command_s(runs: Path) -> dict[str, Any]:
    """Processor and wall seconds of one start of the command, and the steps that it named."""
    start = "from foresight_harness.surface.command import main; raise SystemExit(main())"
    command = [sys.executable, "-c", start, "history", "--candidate", CANDIDATE]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([*command, "--metric", "iou", "--out", str(runs), "--json"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    series = json.loads(done.stdout)["series"]
    steps = [step["run"] for one in series for step in one["steps"]]
    points = sum(len(one["points"]) for one in series)
    return {"cpu_s": round(cpu, 2), "wall_s": round(time.monotonic() - began, 2), "points": points, "steps": len(steps)}


def index_s(runs: Path) -> float:
    """Processor seconds of bringing the index up to date in this process."""
    began = time.process_time()
    refused = refresh(runs)
    assert refused == []
    return round(time.process_time() - began, 2)


def measured(count: int) -> dict[str, Any]:
    """Figures over so many runs."""
    with tempfile.TemporaryDirectory() as place:
        run = one_run(Path(place, "real"))
        runs = Path(place, "runs")
        runs.mkdir()
        found: dict[str, Any] = {"runs": count, "records_a_run": len(run[1])}
        last = copies(runs, range(count), count, run)[-1]
        found["command_first"] = command_s(runs)
        found["command_again"] = command_s(runs)
        found["index_again_cpu_s"] = index_s(runs)
        found["index_mib"] = round((runs / NAME).stat().st_size / 2**20, 1)
        copies(runs, range(count, count + 10), count, run)
        found["index_ten_more_cpu_s"] = index_s(runs)
        with (last / "records.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({**run[1][0], "run": last.name, "metric": "another"}) + "\n")
        found["index_one_went_on_cpu_s"] = index_s(runs)
    return found


def main() -> None:
    """Measure, print, and fail above the limits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    found = {"command": " ".join(["python benchmarks/perf/history.py", *sys.argv[1:]]), **measured(arguments.runs)}
    print(json.dumps(found, indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    after = [found[f"index_{name}_cpu_s"] for name in ("again", "ten_more", "one_went_on")]
    if found["command_first"]["cpu_s"] > MOST_FIRST_S or max(after) > MOST_AFTER_S:
        sys.exit(f"over {MOST_FIRST_S:g} s the first time, or {MOST_AFTER_S:g} s after")


if __name__ == "__main__":
    main()
