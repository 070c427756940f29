"""The five proposals, end to end at smoke scale: every pivot's own matrix, and the page of decisions that it leads to.

    python benchmarks/studies/pivots/study.py --work DIR [--pivot pivot1_premerge ...] [--write]

Each matrix is scored by ``foresight-bench run`` as a user would (nano and fetched weights, the smoke sizes, two worker
processes) and then answered by ``foresight-bench decide RUN --markdown``. A run that DIR holds whole is not scored
again. Criteria, written before the first run:

1. Every planned cell ends with an outcome, none fails, and ``verify`` finds nothing in the run.
2. ``decide`` answers; its exit code is that of its answer (3 where nothing can be said). Nothing but published weights
   may decide, so a PROCEED, PIVOT or ABORT of these runs would be a fault of the gates.
3. What each page asks for next names a command that ``foresight-bench plan`` accepts.

``--write`` keeps pages beside this file, one a pivot, and counts in ``pivots.json``. Exits 1 where a criterion
is missed. Needs ``foresight-bench weights fetch lpips_alex dinov2_small_saliency``; about half an hour of two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from foresight_harness import open_run
from foresight_harness.judging.analyses.verifying import verify

HERE = Path(__file__).parent
RECORD = HERE / "pivots.json"
PIVOTS = ("pivot1_premerge", "pivot2_hybrid", "pivot3_sem", "pivot4_vlms", "c1_experiments")
COMMAND = Path(sys.executable).with_name("foresight-bench")
ANSWERED = {0: "answered", 3: "cannot say"}
DECIDED = re.compile(r"\*\*(PROCEED|PIVOT|ABORT)\*\*")
NEXT = re.compile(r"^    pytest benchmarks/ (?P<words>.+)$", re.MULTILINE)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """One call of ``foresight-bench``."""
    return subprocess.run([str(COMMAND), *words], capture_output=True, text=True, check=False)


def scored(pivot: str, work: Path) -> tuple[Path, float | None]:
    """The run of a matrix, and its seconds of wall time where it was scored now.

    Raises:
        SystemExit: where the session did not end well, with its last lines.
    """
    place = work / pivot
    found = sorted({path.parent.resolve() for path in place.glob("*/seal.json")})  # `latest` is a link
    if found:
        return found[-1], None
    began = time.monotonic()
    done = command("run", "--matrix", pivot, "--scale", "smoke", "--engine", "local:2", "--out", str(place), "-q")
    if done.returncode:
        raise SystemExit(f"{pivot}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return sorted({path.parent.resolve() for path in place.glob("*/run.json")})[-1], round(time.monotonic() - began, 1)


def looked_at(pivot: str, run: Path, seconds: float | None) -> tuple[dict[str, Any], str]:
    """What is counted of a run, and its page of decisions."""
    opened = open_run(run)
    page = command("decide", str(run), "--markdown")
    wanted = [shlex.split(words) for words in NEXT.findall(page.stdout)]
    refused = [" ".join(words) for words in wanted if command("plan", *words).returncode]
    cells = opened.manifest.get("counts", {})
    row = {
        "matrix": pivot,
        "wall_s": seconds,
        "status": opened.manifest.get("status"),
        "cells": cells,
        "records": len(opened.records),
        "failures": len(opened.failures),
        "differences": len(verify(run).problems),
        "decide": ANSWERED.get(page.returncode, f"exit {page.returncode}: {page.stderr.strip()[-300:]}"),
        "decided": sorted(set(DECIDED.findall(page.stdout))),
        "asked_for_next": len(wanted),
        "refused_next": refused,
    }
    row["met"] = {
        "1": row["status"] == "complete" and not row["failures"] and not row["differences"],
        "2": page.returncode in ANSWERED and not row["decided"],
        "3": bool(wanted) and not refused,
    }
    return row, page.stdout


def main() -> None:
    """Score, decide, print; exit 1 where a criterion is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where runs are kept")
    parser.add_argument("--pivot", action="append", choices=PIVOTS, help="repeatable; default all")
    parser.add_argument("--write", action="store_true", help="keep pages and counts beside this file")
    asked = parser.parse_args()
    rows = []
    for pivot in asked.pivot or PIVOTS:
        row, page = looked_at(pivot, *scored(pivot, asked.work))
        rows.append(row)
        print(json.dumps(row), flush=True)
        if asked.write:
            (HERE / f"{pivot}.md").write_text(page, encoding="utf-8")
    if asked.write:
        known = {row["matrix"]: row for row in json.loads(RECORD.read_text())["rows"]} if RECORD.is_file() else {}
        known |= {row["matrix"]: row for row in rows}
        kept = {"load": round(os.getloadavg()[0], 1), "rows": [known[name] for name in PIVOTS if name in known]}
        RECORD.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    missed = [f"{row['matrix']} {name}" for row in rows for name, met in row["met"].items() if not met]
    if missed:
        sys.exit("missed: " + ", ".join(missed))


if __name__ == "__main__":
    main()
