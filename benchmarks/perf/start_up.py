"""What does a start of `foresight-bench` cost, verb by verb?

    python benchmarks/perf/start_up.py [--rounds 3] [--write]

Each verb is started anew in an empty folder, in turns, and its processor seconds are counted, start of Python included;
the figure is the median over rounds. Budget: 0.5 s for what computes nothing (`--help`, `--version`, `plugins`,
`candidates`). Figures from before verbs were imported when used stand beside, where they were measured.
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
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_suffix(".json")
MOST_S = 0.5
HELD = ("--help", "--version", "plugins", "candidates")
VERBS = (*HELD, "plan", "history --metric iou")
BEFORE = {"--help": "1.37", "--version": "there was none", "plugins": "1.36", "candidates": "at least 1.39"}
"""Of the commit before 47e466f on the machine and in the hour of the record, by this script; ``candidates`` ended early
there, as a plugin of today is none of that commit's."""
START = "from foresight_harness.surface.command import main; raise SystemExit(main())"


def start_s(words: list[str], folder: Path) -> tuple[float, int]:
    """Processor seconds of one start, and its exit code."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", START, *words], cwd=folder, env=kept, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.returncode


def measured(rounds: int) -> list[dict[str, Any]]:
    """A row a verb; the first round, which may compile bytecode, is not counted."""
    taken: dict[str, list[float]] = {verb: [] for verb in VERBS}
    codes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as place:
        for number in range(rounds + 1):
            for verb in VERBS:
                seconds, codes[verb] = start_s(verb.split(), Path(place))
                taken[verb] += [seconds] if number else []
    return [
        {
            "verb": verb,
            "exit": codes[verb],
            "before_cpu_s": BEFORE.get(verb, "not measured"),
            "cpu_s": round(statistics.median(taken[verb]), 2),
            "rounds_cpu_s": [round(one, 2) for one in taken[verb]],
        }
        for verb in VERBS
    ]


def main() -> None:
    """Measure, print, and fail above the budget."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    rows = measured(arguments.rounds)
    found = {"command": " ".join(["python benchmarks/perf/start_up.py", *sys.argv[1:]]), "load": load, "rows": rows}
    print(json.dumps(found, indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    slow = [row["verb"] for row in rows if row["verb"] in HELD and row["cpu_s"] > MOST_S]
    if slow:
        sys.exit(f"over {MOST_S:g} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
