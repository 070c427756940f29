"""Is a run cheaper than at another commit, and are its numbers the same? Both in turns, in processor seconds.

    python benchmarks/perf/smoke_against.py [--base e446731] [--rounds 1] [--candidate C ... | --whole] [--write]

``--whole``: what the other commit's own smoke matrix scores, every tiny encoder by name, in every suite but
``efficiency``, whose numbers are times.

The same candidates are scored by the working tree and by the other commit in processes of their own, in alternating
order, each run with a cache and a folder of its own and without fetched weights, so that both compare pictures by the
same network. The other commit is unpacked beside, with entry points of its own. Records that both have are held
against each other: value and ends of the interval, to the last bit.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from other_commit import Side, environment, side, unpacked

RECORD = Path(__file__).with_suffix(".json")
CANDIDATES = ("pixels@patch/identity/single/linear", "dinov2_tiny@last/identity/single/linear")
SUITES = ("spatial", "reconstruction")
WHOLE = (*SUITES, "alignment", "temporal")
SMOKE = "benchmarks/matrices/smoke.toml"
EVERY = '"every tiny encoder"'
TINY = """
from foresight_harness.registry import load_registry
for spec in load_registry().encoders.values():
    if spec.size == "tiny" and spec.role == "candidate":
        print(f"{spec.name}@{spec.default_tap}")
"""
"""Run in the other commit: its tiny encoders at their default taps."""
KEY = ("candidate", "suite", "dataset", "metric", "probe")
NUMBERS = ("value", "ci_low", "ci_high")
MOST_SHOWN = 12


class Run(NamedTuple):
    """What one run took and found."""

    cpu_s: float
    records: dict[tuple[str, ...], dict[str, Any]]


def whole_matrix(base: Side, place: Path) -> tuple[str, ...]:
    """Words that ask for all of the base's smoke matrix, written so that both trees read the same from it."""
    listed = subprocess.run(
        [sys.executable, "-c", TINY], env=environment(base, place), capture_output=True, text=True, check=True
    )
    streams = ", ".join(f'"{name}"' for name in listed.stdout.split())
    path = place / "base_smoke.toml"
    path.write_text((base.root / SMOKE).read_text(encoding="utf-8").replace(EVERY, streams), encoding="utf-8")
    return ("--matrix", str(path), "--dataset", "shapes", "--dataset", "moving_shapes", "-k", " or ".join(WHOLE))


def chosen(candidates: Sequence[str]) -> tuple[str, ...]:
    """Words that ask for these candidates."""
    named = [word for candidate in candidates for word in ("--candidate", candidate)]
    return (*named, "--dataset", "shapes", "-k", " or ".join(SUITES))


def run(one: Side, words: Sequence[str], place: Path) -> Run:
    """Score at smoke scale what the words ask for."""
    words = ["benchmarks/", *words, "--scale", "smoke"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--feature-cache", str(place / "cache"), "--out", str(place / "runs")],
        cwd=one.root,
        env=environment(one, place),
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{one.name}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    records = next((place / "runs").glob("*/records.jsonl")).read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in records]
    keyed = {
        tuple(str(one[name]) for name in ("candidate", "suite", "dataset", "metric", "probe")): one for one in found
    }
    return Run(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, keyed)


def compared(base: Run, head: Run) -> dict[str, Any]:
    """How many records both have, how many of them are equal, and which are not."""
    shared = [key for key in base.records if key in head.records]
    apart = [key for key in shared if any(base.records[key][name] != head.records[key][name] for name in NUMBERS)]
    return {
        "records_base": len(base.records),
        "records_head": len(head.records),
        "records_of_both": len(shared),
        "equal_to_the_last_bit": len(shared) - len(apart),
        "differing": [
            {
                "record": " ".join(key),
                "base": [base.records[key][name] for name in NUMBERS],
                "head": [head.records[key][name] for name in NUMBERS],
            }
            for key in apart[:MOST_SHOWN]
        ],
    }


def main() -> None:
    """Run both in turns, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", default="e446731")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--candidate", action="append")
    parser.add_argument("--whole", action="store_true", help="all that the base's own smoke matrix scores")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    options = parser.parse_args()
    candidates = tuple(options.candidate or CANDIDATES)
    suites = WHOLE if options.whole else SUITES
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sides = [
            side("base", unpacked(options.base, place / "base"), place / "base-metadata"),
            side("head", unpacked("HEAD", place / "head"), place / "head-metadata"),
        ]
        words = whole_matrix(sides[0], place) if options.whole else chosen(candidates)
        taken: dict[str, list[float]] = {"base": [], "head": []}
        last: dict[str, Run] = {}
        for turn in range(options.rounds):
            for one in sides if turn % 2 == 0 else reversed(sides):
                last[one.name] = run(one, words, place / f"{one.name}-{turn}")
                taken[one.name].append(round(last[one.name].cpu_s, 2))
    ratios = [base / head for base, head in zip(taken["base"], taken["head"], strict=True)]
    found = {
        "command": " ".join(["python benchmarks/perf/smoke_against.py", *sys.argv[1:]]),
        "base": options.base,
        "candidates": f"the base's {SMOKE}" if options.whole else list(candidates),
        "suites": list(suites),
        "load_at_start": load,
        "cpu_s": taken,
        "ratio": round(statistics.median(ratios), 2),
        **compared(last["base"], last["head"]),
    }
    print(json.dumps(found, indent=1))
    if options.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
