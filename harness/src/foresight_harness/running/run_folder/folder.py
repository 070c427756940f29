"""The run folder on disk: manifest, records, samples, media. ``docs/run-folder.md`` is its description."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.contracts.records import SCHEMA, Record, parse
from foresight_harness.contracts.records.record import line_of
from foresight_harness.contracts.text import without_secrets_in
from foresight_harness.running.run_folder import fact_file, latest
from foresight_harness.running.run_folder.record_file import append, read_records, whole_lines, whole_records
from foresight_harness.running.run_folder.samples import samples_hold


def new_run_id(git_sha: str) -> str:
    """``<UTC time>_<git sha7>_<4 hex>``; sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{git_sha[:7]}_{secrets.token_hex(2)}"


def check_writable(out: Path, option: str = "--out") -> None:
    """Refuse a place where nothing can be written, before any work; ``option`` names it. Raises: UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".write-{secrets.token_hex(4)}"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise UsageError(f"{option} {out} cannot be written ({error.strerror}); choose another folder") from error


class RunFolder:
    """A run being written. Everything that is written is complete: a kill loses at most the cell it was in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.not_latest: str | None = None
        """One line where ``latest`` could not be made to point here."""
        (path / "samples").mkdir(parents=True, exist_ok=True)
        (path / "media").mkdir(exist_ok=True)
        self._lock = FileLock(path / ".lock")
        self._seen = 0
        self._cells: dict[str, list[Record]] = {}
        self._media_seen = 0
        self._media: set[str] = set()
        self._facts: set[str] = set()

    @classmethod
    def create(cls, out: Path, git_sha: str) -> RunFolder:
        """A new folder under ``out``, with ``out/latest`` linking to it where nothing else stands there."""
        folder = cls(out / new_run_id(git_sha))
        folder.not_latest = latest.point_to(folder.path)
        return folder

    @property
    def run_id(self) -> str:
        """Name of the folder."""
        return self.path.name

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace ``run.json`` in one step."""
        fresh = self.path / ".run.json"
        content = without_secrets_in({"schema": SCHEMA, "run": self.run_id, **manifest})
        text = json.dumps(content, indent=1, allow_nan=False, default=str)
        with self.writing():
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.replace(self.path / "run.json")

    def manifest(self) -> dict[str, Any]:
        """``run.json`` as it stands; empty where there is none yet, or where it is damaged."""
        return manifest_of(self.path)

    def append_records(self, records: Sequence[Record]) -> list[Record]:
        """Append the records of one cell, all or (after a kill) a part that ``finished`` does not count.

        Several processes may append: one at a time, and what a killed one left of a line is cut off first. A cell that
        another process has finished meanwhile (a control that two workers needed) keeps the records of the first.

        Returns:
            The records with the run's id, as they were written.
        """
        whole = [replace(record, run=self.run_id) for record in records]
        lines = [_without_secrets(line_of(record)) + "\n" for record in whole]
        with self.writing(), self._lock:
            if not records or not {record.cell for record in records} <= self.finished():
                append(self.path / "records.jsonl", "".join(lines).encode("utf-8"))
        return whole

    def append_facts(
        self,
        protocols: Mapping[str, Any],
        datasets: Sequence[Mapping[str, Any]],
        admission: Sequence[Mapping[str, Any]],
    ) -> None:
        """Append to ``facts.jsonl`` what this process has not told yet. Before the records that refer to it."""
        lines = [_without_secrets(line) for line in fact_file.lines_of(protocols, datasets, admission)]
        fresh = [line for line in lines if line not in self._facts]
        if fresh:
            with self.writing(), self._lock:
                append(self.path / fact_file.NAME, "".join(f"{line}\n" for line in fresh).encode("utf-8"))
            self._facts.update(fresh)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around whatever writes below this folder: a full or lost disk is one line that says how to go on.

        Raises:
            RunFolderError: instead of an OSError.
        """
        with writing(self.path):
            yield

    def finished(self) -> set[str]:
        """Ids of cells whose records are all there and none of which failed. Reads only what is new."""
        path = self.path / "records.jsonl"
        fresh, self._seen = whole_lines(path, self._seen)
        for line in fresh:
            try:
                record = parse(json.loads(line), f"a line of {path}")
            except (ValueError, RecursionError) as error:
                raise RunFolderError(f"a line of {path} is not JSON: {error}") from error
            self._cells.setdefault(record.cell, []).append(record)
        return {cell for cell, found in self._cells.items() if _is_finished(found)}

    def append_media(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Append lines to the media index, but none that stands there already: its cell was done twice."""
        path = self.path / "media" / "index.jsonl"
        lines = [json.dumps({"schema": SCHEMA, **item}, allow_nan=False) for item in items]
        with self.writing(), self._lock:
            fresh, self._media_seen = whole_lines(path, self._media_seen)
            self._media.update(fresh)
            append(path, "".join(f"{line}\n" for line in lines if line not in self._media).encode("utf-8"))

    def records(self) -> list[Record]:
        """Records so far; a truncated last line is left out."""
        return read_records(self.path / "records.jsonl")

    def whole_records(self) -> list[Record]:
        """Records so far without lines that are damaged."""
        return whole_records(self.path / "records.jsonl")

    def drop_unfinished(self, same: Callable[[Sequence[Record]], bool] = lambda records: True) -> set[str]:
        """Keep only the records of finished cells, for ``--resume``; nothing is written where all are.

        A cell is finished when all its records are there and none of them failed, its samples are those that were
        scored, and ``same`` says that the session would score the very same.

        Returns:
            Ids of the cells that need no redoing.
        """
        records = self.whole_records()
        cells: dict[str, list[Record]] = {}
        for record in records:
            cells.setdefault(record.cell, []).append(record)
        done = {
            cell
            for cell, found in cells.items()
            if _is_finished(found) and samples_hold(self.path, found) and same(found)
        }
        kept = "".join(line_of(record) + "\n" for record in records if record.cell in done).encode("utf-8")
        path, fresh = self.path / "records.jsonl", self.path / ".records.jsonl"
        if not path.is_file() or len(done) < len(cells) or len(records) < path.read_bytes().count(b"\n"):
            with self.writing():
                fresh.write_bytes(kept)
                fresh.replace(path)
        self._seen, self._cells = 0, {}
        return done


def _without_secrets(line: str) -> str:
    return json.dumps(without_secrets_in(json.loads(line)), allow_nan=False) if "://" in line else line


def _is_finished(records: Sequence[Record]) -> bool:
    """Whether all records of a cell are there, and none is of a failure."""
    return len(records) == records[0].of_cell and all(record.ok for record in records)


@contextmanager
def writing(run: Path) -> Iterator[None]:
    """See ``RunFolder.writing``."""
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"run folder {run} cannot be written ({error.strerror or error}): free space there, then finish "
            "the run with --resume"
        ) from error


def manifest_of(run: Path) -> dict[str, Any]:
    """``run.json`` of a folder as it stands; empty where there is none, or where it is damaged."""
    try:
        found = json.loads((run / "run.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def find_run(out: Path, name: str = latest.NAME, *, damaged: bool = False) -> Path:
    """The folder of a run: a path, an id under ``out``, or ``latest``.

    Args:
        out: Where ids are looked for.
        name: Of the run.
        damaged: Take a folder whose ``run.json`` is gone, too: what is whole in it can be resumed.

    Raises:
        RunFolderError: where there is none.
    """
    newest = latest.newest(out) if name == latest.NAME else None
    for path in (newest, Path(name) if newest is None else None, out / name):
        if path is None:
            continue
        if (path / "run.json").is_file() or (damaged and (path / "records.jsonl").is_file()):
            return path.resolve()
    raise RunFolderError(f"no run {name!r}: neither {name} nor {out / name} holds a run.json")
