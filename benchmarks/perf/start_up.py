"""What does a start of `foresight-bench` cost, verb by verb, and what did it cost at another commit?

    python benchmarks/perf/start_up.py [--rounds 3] [--before REF] [--write]

Each verb is started anew in an empty folder, in turns, and its processor seconds are counted, start of Python included;
the figure is the median over rounds. Budget: 0.5 s for what computes nothing (`--help`, `--version`, `plugins`,
`candidates`). With `--before` the same is started from the files of that commit too, each verb right after today's, so
that both meet the same machine at the same time. A start that fails says how far it came, and is no figure.
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
import tomllib
from pathlib import Path
from typing import Any

from other_commit import ROOT, Side, environment, side, unpacked

RECORD = Path(__file__).with_suffix(".json")
MOST_S = 0.5
HELD = ("--help", "--version", "plugins", "candidates")
VERBS = (*HELD, "plan", "history --metric iou")


def start_of(tree: Side) -> str:
    """Python that starts the command of a source tree by its own entry point."""
    project = tomllib.loads((tree.root / "harness" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["foresight-bench"].partition(":")
    return f"from {module} import {function}; raise SystemExit({function}())"


def start_s(words: list[str], folder: Path, tree: Side) -> tuple[float, int]:
    """Processor seconds of one start, and its exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", start_of(tree), *words],
        cwd=folder,
        env=environment(tree, folder),
        capture_output=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.returncode


def measured(rounds: int, trees: dict[str, Side], folder: Path) -> list[dict[str, Any]]:
    """A row a verb; the first round, which may compile bytecode, is not counted.

    Args:
        rounds: That are counted.
        trees: ``now`` and ``before``; started in turns.
        folder: An empty one.
    """
    taken: dict[tuple[str, str], list[float]] = {(verb, name): [] for verb in VERBS for name in trees}
    codes: dict[tuple[str, str], int] = {}
    for number in range(rounds + 1):
        for verb, name in taken:
            seconds, codes[verb, name] = start_s(verb.split(), folder, trees[name])
            taken[verb, name] += [seconds] if number else []
    return [{"verb": verb, **{name: row(codes[verb, name], taken[verb, name]) for name in trees}} for verb in VERBS]


def row(code: int, seconds: list[float]) -> dict[str, Any]:
    """One side of a verb."""
    return {"exit": code, "cpu_s": round(statistics.median(seconds), 2), "rounds_cpu_s": [round(s, 2) for s in seconds]}


def main() -> None:
    """Measure, print, and fail above the budget."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", metavar="REF", help="also start the command of this commit, in turns with today's")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as place:
        trees = {"now": side("now", ROOT, Path(place) / "now")}
        if arguments.before:
            root = unpacked(arguments.before, Path(place) / "before")
            trees["before"] = side("before", root, Path(place) / "before-metadata")
        empty = Path(place) / "empty"
        empty.mkdir()
        rows = measured(arguments.rounds, trees, empty)
    found = {"command": " ".join(["python benchmarks/perf/start_up.py", *sys.argv[1:]]), "load": load}
    found |= {"before": arguments.before, "rows": rows}
    print(json.dumps(found, indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    slow = [row["verb"] for row in rows if row["verb"] in HELD and row["now"]["cpu_s"] > MOST_S]
    if slow:
        sys.exit(f"over {MOST_S:g} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
