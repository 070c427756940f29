"""``runs/index.sqlite``: numbers of all runs, to be asked for one history. A cache of the run folders."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.running.run_folder.run_data import RunData

NAME = "index.sqlite"
LAYOUT = 2
TABLES = """
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, stamp INTEGER);
CREATE TABLE IF NOT EXISTS numbers (
  run TEXT, started TEXT, sha TEXT, machine TEXT, candidate TEXT, suite TEXT, dataset TEXT, metric TEXT, probe TEXT,
  protocol TEXT, fingerprint TEXT, direction TEXT, weights TEXT, value REAL, low REAL, high REAL);
CREATE INDEX IF NOT EXISTS by_number ON numbers (metric, suite, candidate);
"""


class Number(NamedTuple):
    """One number of one run."""

    run: str
    started: str
    sha: str
    machine: str
    candidate: str
    suite: str
    dataset: str
    metric: str
    probe: str
    protocol: str
    fingerprint: str
    direction: str
    weights: str
    """Kinds of the weights behind it, as ``random`` or ``nano, pretrained``."""
    value: float
    low: float | None
    high: float | None

    @property
    def series(self) -> tuple[str, ...]:
        """What must be equal for two numbers to stand in one line of a history."""
        return self[3:13]


def refresh(runs: Path) -> list[str]:
    """Bring the index up to the run folders: new and changed ones in, removed ones out. A damaged index is made anew.

    Returns:
        One line for each folder that was left out because it cannot be read.
    """
    try:
        return _refresh(runs)
    except sqlite3.DatabaseError:
        (runs / NAME).unlink(missing_ok=True)
        return _refresh(runs)


def numbers(runs: Path, candidate: str, metric: str, suite: str = "*") -> Iterator[Number]:
    """Numbers of one metric, oldest first; ``candidate`` and ``suite`` are globs in which ``*`` and ``?`` count."""
    asked = "SELECT * FROM numbers WHERE metric = ? AND suite GLOB ? AND candidate GLOB ? ORDER BY started, run"
    with closing(_open(runs)) as index:
        yield from (Number(*row) for row in index.execute(asked, (metric, suite, candidate)))


def _open(runs: Path) -> sqlite3.Connection:
    index = sqlite3.connect(runs / NAME, timeout=60)
    (layout,) = index.execute("PRAGMA user_version").fetchone()
    if layout not in (0, LAYOUT):
        index.close()
        raise sqlite3.DatabaseError(f"layout {layout}")
    index.executescript(TABLES + f"PRAGMA user_version = {LAYOUT};")
    return index


def _refresh(runs: Path) -> list[str]:
    refused = []
    folders = {
        path.name: path for path in sorted(runs.iterdir()) if not path.is_symlink() and (path / "run.json").is_file()
    }
    with closing(_open(runs)) as index, index:
        index.execute("BEGIN IMMEDIATE")
        known = dict(index.execute("SELECT run, stamp FROM runs"))
        for name in known.keys() - folders.keys():
            _forget(index, name)
        for name, path in folders.items():
            stamp = _stamp(path)
            if known.get(name) == stamp:
                continue
            _forget(index, name)
            try:
                rows = list(_rows(RunData.load(path)))
            except (RunFolderError, KeyError) as error:
                refused.append(f"left out: {error}")
                continue
            index.executemany(f"INSERT INTO numbers VALUES ({', '.join('?' * len(Number._fields))})", rows)
            index.execute("INSERT INTO runs VALUES (?, ?)", (name, stamp))
    return refused


def _stamp(path: Path) -> int:
    files = [path / "run.json", path / "records.jsonl"]
    return max((file.stat().st_mtime_ns for file in files if file.is_file()), default=0)


def _forget(index: sqlite3.Connection, name: str) -> None:
    index.execute("DELETE FROM numbers WHERE run = ?", (name,))
    index.execute("DELETE FROM runs WHERE run = ?", (name,))


def _rows(run: RunData) -> Iterator[Number]:
    manifest = run.manifest
    sha = str((manifest.get("environment") or {}).get("git_sha") or "")
    machine = str((manifest.get("hardware") or {}).get("fingerprint") or "")
    for record in run.records:
        if record["value"] is None or record["direction"] == "none":
            continue
        yield Number(
            run.path.name,
            str(manifest.get("started") or run.path.name),
            sha,
            machine,
            str(record["candidate"]),
            str(record["suite"]),
            str(record["dataset"]),
            str(record["metric"]),
            str(record["probe"] or ""),
            str(record["protocol"] or ""),
            str(record.get("fingerprint") or ""),
            str(record["direction"]),
            ", ".join(sorted({str(part["kind"]) for part in record.get("provenance") or ()} - {"none"})),
            float(record["value"]),
            record.get("ci_low"),
            record.get("ci_high"),
        )
