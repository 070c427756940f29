"""Does a run tell the truth about itself? Every row of the faults, through command line, pytest and files alone.

    python benchmarks/studies/truths/study.py [--checkout DIR] [--row R5] [--write]

Criterion, written before the first figure: every row holds on the checkout of today and fails on e446731, the release
that the faults were measured on (``git worktree add DIR e446731 && make -C DIR setup``, then ``--checkout DIR``). A row
is one function in `rows_*.py`; what it looks at is in its docstring. Nothing of either harness is imported: only what
a user of both can see counts. ``--write`` puts what was seen into `truths.json`, under the commit of the checkout. A
row that cannot be looked at (a session that ends otherwise than it needs) is neither: it is said to be not shown.

These are the examples that the faults were told by. What holds each row from now on are the tests that
`tests/faults.toml` names; most of them use modules that the old release does not have.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import rows_inputs as inputs
import rows_plugins as plugins
import rows_runs as runs
from checkout import Place, Seen

ROOT = Path(__file__).resolve().parents[3]
RECORD = Path(__file__).with_name("truths.json")
ROWS: dict[str, Callable[[Place], Seen]] = {
    **{"R1": runs.r1, "R2": runs.r2, "R3": runs.r3, "R4": runs.r4, "R5": runs.r5, "R6": runs.r6, "R7": inputs.r7},
    **{"R8": runs.r8, "R9": runs.r9, "R10": runs.r10, "R10b": runs.r10b, "R11": inputs.r11, "R12": inputs.r12},
    **{"R13": inputs.r13, "R14": inputs.r14, "R15": plugins.r15, "T4": plugins.t4, "T5": plugins.t5, "T8": plugins.t8},
}


def look(row: str, checkout: Path) -> dict[str, object]:
    """Try one row on a checkout."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            seen = ROWS[row](Place(checkout, Path(folder)))
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            return {"holds": None, "seen": f"not shown: {type(error).__name__}: {error}"[-600:]}
    return {"holds": seen.holds, "seen": seen.seen}


def keep(commit: str, row: str, seen: dict[str, object]) -> None:
    """Put what was seen of a row into the record, under the old release or today's code."""
    kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    column = kept.setdefault("e446731" if commit == "e446731" else "today", {})
    column[row] = {"commit": commit, **seen}
    kept = {name: {row: rows[row] for row in ROWS if row in rows} for name, rows in sorted(kept.items())}
    RECORD.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Try rows, print what was seen, and keep it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkout", type=Path, default=ROOT, help="with its .venv; default this one")
    parser.add_argument("--row", action="append", choices=ROWS, help="repeatable; default all")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    checkout = arguments.checkout.resolve()
    git = ["git", "-C", str(checkout), "rev-parse", "--short=7", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    found = {}
    for row in arguments.row or ROWS:
        found[row] = look(row, checkout)
        said = {True: "holds", False: "does not hold", None: "?"}[found[row]["holds"]]  # type: ignore[index]
        print(f"{commit}  {row:4}  {said:13}  {found[row]['seen']}", flush=True)
        if arguments.write:
            keep(commit, row, found[row])
    if checkout == ROOT and not all(one["holds"] for one in found.values()):
        sys.exit("not every row holds")


if __name__ == "__main__":
    main()
