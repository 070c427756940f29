"""What does a start of `foresight-bench` cost, verb by verb, and what did it cost at another commit?

    python benchmarks/perf/start_up.py [--rounds 3] [--before REF] [--write]

Each verb is started anew in an empty folder, in turns, and its processor seconds are counted, start of Python included;
the figure is the median over rounds. Budget: 0.5 s for what computes nothing (`--help`, `--version`, `plugins`,
`candidates`). With `--before` the same is started from a clone of that commit too, each verb right after today's, so
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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_suffix(".json")
MOST_S = 0.5
HELD = ("--help", "--version", "plugins", "candidates")
VERBS = (*HELD, "plan", "history --metric iou")
START = "from foresight_harness.surface.command import main; raise SystemExit(main())"


def sources_of(root: Path) -> str:
    """What `PYTHONPATH` holds for the packages of a checkout."""
    folders = [root / "harness/src", root / "reports/src", *root.glob("kits/*/src"), *root.glob("plugins/*/src")]
    return os.pathsep.join(str(folder) for folder in sorted(folders) if folder.is_dir())


def clone_of(ref: str, folder: Path) -> tuple[Path, str]:
    """A clone of this repository at a commit, and that commit's name. Raises: SystemExit where there is none."""
    clone = folder / "before"
    try:
        subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", str(ROOT), str(clone)], check=True)
        subprocess.run(["git", "-C", str(clone), "checkout", "-q", ref], check=True)
    except subprocess.CalledProcessError:
        raise SystemExit(f"--before {ref}: no such commit in {ROOT.name}; name one that git log shows") from None
    found = subprocess.run(["git", "-C", str(clone), "rev-parse", "--short", "HEAD"], capture_output=True, check=True)
    return clone, found.stdout.decode().strip()


def start_s(words: list[str], folder: Path, sources: str) -> tuple[float, int]:
    """Processor seconds of one start, and its exit code."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", START, *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": sources},
        capture_output=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.returncode


def measured(rounds: int, sides: dict[str, str], folder: Path) -> list[dict[str, Any]]:
    """A row a verb; the first round, which may compile bytecode, is not counted.

    Args:
        rounds: That are counted.
        sides: ``PYTHONPATH`` by side, ``now`` and ``before``; started in turns.
        folder: An empty one.
    """
    taken: dict[tuple[str, str], list[float]] = {(verb, side): [] for verb in VERBS for side in sides}
    codes: dict[tuple[str, str], int] = {}
    for number in range(rounds + 1):
        for verb, side in taken:
            seconds, codes[verb, side] = start_s(verb.split(), folder, sides[side])
            taken[verb, side] += [seconds] if number else []
    return [{"verb": verb, **{side: row(codes[verb, side], taken[verb, side]) for side in sides}} for verb in VERBS]


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
        sides, commit = {"now": sources_of(ROOT)}, None
        if arguments.before:
            clone, commit = clone_of(arguments.before, Path(place))
            sides["before"] = sources_of(clone)
        empty = Path(place) / "empty"
        empty.mkdir()
        rows = measured(arguments.rounds, sides, empty)
    found = {"command": " ".join(["python benchmarks/perf/start_up.py", *sys.argv[1:]]), "load": load}
    found |= {"before": commit, "rows": rows}
    print(json.dumps(found, indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    slow = [row["verb"] for row in rows if row["verb"] in HELD and row["now"]["cpu_s"] > MOST_S]
    if slow:
        sys.exit(f"over {MOST_S:g} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
