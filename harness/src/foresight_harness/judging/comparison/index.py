"""``runs/index.sqlite``: numbers of all runs, to be asked for one history. A cache of the run folders."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import SCHEMA, upgrade
from foresight_harness.running.run_folder.manifest_shape import read_manifest

NAME = "index.sqlite"
LAYOUT = 3
AT_ONCE = 200
"""Runs of one transaction: what is indexed stays so where the next is interrupted, and others are not kept waiting."""
TABLES = """
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, stamp TEXT, refused TEXT);
CREATE TABLE IF NOT EXISTS numbers (
  run TEXT, started TEXT, sha TEXT, machine TEXT, candidate TEXT, suite TEXT, dataset TEXT, metric TEXT, probe TEXT,
  protocol TEXT, fingerprint TEXT, direction TEXT, weights TEXT, value REAL, low REAL, high REAL);
CREATE INDEX IF NOT EXISTS by_run ON numbers (run);
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
    index.execute("PRAGMA synchronous = OFF")  # a cache: what a power cut damages is made anew
    (layout,) = index.execute("PRAGMA user_version").fetchone()
    if layout not in (0, LAYOUT):
        index.close()
        raise sqlite3.DatabaseError(f"layout {layout}")
    index.executescript(TABLES + f"PRAGMA user_version = {LAYOUT};")
    return index


def _refresh(runs: Path) -> list[str]:
    found = _stamps(runs)
    with closing(_open(runs)) as index:
        known = {name: (stamp, refused) for name, stamp, refused in index.execute("SELECT * FROM runs")}
        stale = [name for name in found if known.get(name, ("",))[0] != found[name]]
        gone = sorted(known.keys() - found.keys())
        with index:
            for name in gone:
                _forget(index, name)
        for start in range(0, len(stale), AT_ONCE):
            with index:
                for name in stale[start : start + AT_ONCE]:
                    if name in known:  # looking for what is not there takes longer with every run
                        _forget(index, name)
                    _index(index, runs / name, found[name])
        told = index.execute("SELECT refused FROM runs WHERE refused IS NOT NULL ORDER BY run")
        return [f"left out: {refused}" for (refused,) in told]


def _index(index: sqlite3.Connection, path: Path, stamp: str) -> None:
    """Take in one run as it is now; one that cannot be read is remembered with the reason."""
    rows: list[Number] = []
    refused = None
    try:
        rows = list(_rows(path))
    except RunFolderError as error:
        refused = str(error)
    index.executemany(f"INSERT INTO numbers VALUES ({', '.join('?' * len(Number._fields))})", rows)
    index.execute("INSERT INTO runs VALUES (?, ?, ?)", (path.name, stamp, refused))


def _stamps(runs: Path) -> dict[str, str]:
    """Run folders by name, each with what changes when its files do. Thousands of them: no more than two looks each."""
    found = {}
    with os.scandir(runs) as entries:
        for entry in entries:
            if entry.is_symlink() or not entry.is_dir():
                continue
            stamps = []
            for name in ("run.json", "records.jsonl"):
                try:
                    told = os.stat(os.path.join(entry.path, name))  # noqa: PTH116, PTH118  a Path costs more than the look
                except OSError:
                    stamps.append("absent")
                else:
                    stamps.append(f"{told.st_mtime_ns}/{told.st_size}")
            if stamps[0] != "absent":
                found[entry.name] = " ".join(stamps)
    return dict(sorted(found.items()))


def _forget(index: sqlite3.Connection, name: str) -> None:
    index.execute("DELETE FROM numbers WHERE run = ?", (name,))
    index.execute("DELETE FROM runs WHERE run = ?", (name,))


def _rows(path: Path) -> Iterator[Number]:
    """Numbers of a run, read line by line: of thousands of runs only these fields are wanted.

    Raises:
        RunFolderError: in one line, where the run is damaged.
    """
    manifest = read_manifest(path / "run.json")
    sha = str((manifest.get("environment") or {}).get("git_sha") or "")
    machine = str((manifest.get("hardware") or {}).get("fingerprint") or "")
    started = str(manifest.get("started") or path.name)
    records = path / "records.jsonl"
    try:
        lines = records.read_bytes().split(b"\n")
    except OSError as error:
        raise RunFolderError(f"{records} cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        where = f"{records}, line {number}"
        try:
            one = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines):  # cut short: the run was killed while it wrote
                break
            raise RunFolderError(f"{where} is not JSON: {error}") from error
        if not isinstance(one, dict):
            raise RunFolderError(f"{where} is {one!r:.60}, wanted is an object; the file was damaged")
        if one.get("schema") != SCHEMA:
            one = upgrade(one, where)
        if one.get("status") != "ok" or not one.get("metric"):
            continue
        if one.get("value") is None or one.get("direction") == "none":
            continue
        try:
            yield _number(one, path.name, started, sha, machine)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunFolderError(f"{where} cannot be read ({error}); the file was damaged") from error


def _number(one: dict[str, Any], run: str, started: str, sha: str, machine: str) -> Number:
    kinds = {str(model["kind"]) for model in one.get("provenance") or ()} - {"none"}
    low, high = one.get("ci_low"), one.get("ci_high")
    texts = (one["candidate"], one["suite"], one["dataset"], one["metric"])
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"a name is {texts!r:.80}")
    return Number(
        run,
        started,
        sha,
        machine,
        *texts,
        str(one.get("probe") or ""),
        str(one.get("protocol") or ""),
        str(one.get("fingerprint") or ""),
        str(one.get("direction") or ""),
        ", ".join(sorted(kinds)),
        float(one["value"]),
        None if low is None else float(low),
        None if high is None else float(high),
    )
