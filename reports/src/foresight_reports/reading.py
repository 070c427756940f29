"""Read run folders: schema checks, and one clear line for everything that is missing or damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from foresight_reports.analysis.files import Analysis, read_analyses
from foresight_reports.decision_files import kept_decision
from foresight_reports.errors import RunFolderError
from foresight_reports.records import SCHEMA, Record, check_schema, parse_record
from foresight_reports.suites import BEFORE, Suites


@dataclass(frozen=True)
class Run:
    """One run folder. ``notes`` are sentences about what is missing or damaged in it."""

    path: Path
    manifest: Mapping[str, Any]
    records: tuple[Record, ...]
    media: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    sampled: frozenset[str] = frozenset()
    analyses: Mapping[str, Analysis] = field(default_factory=dict)

    @cached_property
    def suites(self) -> Suites:
        """What the run says of its suites."""
        return BEFORE.with_run(self.manifest)

    @cached_property
    def decision(self) -> Mapping[str, Any]:
        """What was decided from the run, where somebody asked: the content of its ``decision.json``, else nothing."""
        return kept_decision(self.path)

    @property
    def name(self) -> str:
        """The id of the run; the folder's name where the manifest has none."""
        return str(self.manifest.get("run") or self.path.name)

    @property
    def hardware(self) -> str:
        """Fingerprint of the machine: latency is compared only where it is equal."""
        return str(self.section("hardware").get("fingerprint") or "")

    def section(self, name: str) -> Mapping[str, Any]:
        """An object of the manifest, empty where it is missing."""
        value = self.manifest.get(name)
        return value if isinstance(value, Mapping) else {}

    def choices(self, protocol: str) -> Mapping[str, Any]:
        """The choices behind a protocol digest, empty where the manifest does not say."""
        value = self.section("protocols").get(protocol)
        return value if isinstance(value, Mapping) else {}


def read_run(path: Path, place: int = 0) -> Run:
    """Read one run folder, the ``place``-th of its page.

    Raises:
        RunFolderError: when there is no readable ``run.json``.
        SchemaError: when any of its files has a newer schema.
    """
    folder = Path(path).resolve()
    manifest = _read_manifest(folder)
    notes: list[str] = []
    lines = list(_read_lines(folder, "records.jsonl", notes))
    suites = BEFORE.with_run(manifest)
    records = _newest(parse_record(line, position, place, suites) for position, line in lines)
    media_notes: list[str] = []
    media = tuple(line for _, line in _read_lines(folder, "media/index.jsonl", media_notes))
    if (folder / "media").exists():
        notes += media_notes
    sampled = frozenset(r.cell for r in records if r.cell and sample_file(folder, r.cell).is_file())
    notes += _missing_samples(records, sampled)
    analyses = read_analyses(folder, notes)
    return Run(folder, manifest, records, media, tuple(notes), sampled, analyses)


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    file = folder / "run.json"
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{folder} is not a run folder: it has no run.json. Give the folder of one run.") from None
    except (OSError, ValueError) as problem:
        raise RunFolderError(f"{file} cannot be read: {problem}. Was the run copied whole?") from None
    if not isinstance(manifest, dict):
        raise RunFolderError(f"{file} does not hold a JSON object, so it is no manifest. Was the run copied whole?")
    check_schema(manifest.get("schema", SCHEMA), f"{file}")
    return manifest


def _read_lines(folder: Path, name: str, notes: list[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Objects of a JSON-lines file with their line numbers from 0; damaged lines become notes."""
    file = folder / name
    try:
        rows = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        notes.append(f"{name} is missing: nothing of it can be shown.")
        return
    complete = rows[-1] == ""
    for position, row in enumerate(rows):
        if not row.strip():
            continue
        try:
            line = json.loads(row)
        except ValueError:
            last = position == len(rows) - 1 and not complete
            reason = "is cut off (the run was interrupted while writing)" if last else "is not JSON"
            notes.append(f"Line {position + 1} of {name} {reason}; it is left out.")
            continue
        if not isinstance(line, dict):
            notes.append(f"Line {position + 1} of {name} is not an object; it is left out.")
            continue
        check_schema(line.get("schema", SCHEMA), f"line {position + 1} of {file}")
        yield position, line


def _newest(records: Iterator[Record]) -> tuple[Record, ...]:
    """One record per measured number: a resumed run may have measured a cell again, the later one counts."""
    latest: dict[tuple[object, ...], Record] = {}
    for record in records:
        failed = () if record.metric is not None else (record.cell,)  # two folders of one kind have one name
        key = (
            *(record.candidate, record.suite, record.metric, record.probe, record.dataset, record.split),
            *(record.protocol, record.dtype, record.device, record.attention, *failed),
        )
        latest[key] = record
    # A cell that failed first and was measured later is no failure any more; a number of another one hides none.
    measured: dict[tuple[str, ...], int] = {}
    for record in latest.values():
        if record.metric is not None:
            for name in _cells(record):
                measured[name] = max(record.position, measured.get(name, -1))
    kept = (
        record
        for record in latest.values()
        if record.metric is not None or not any(measured.get(n, -1) > record.position for n in _cells(record))
    )
    return tuple(sorted(kept, key=lambda record: record.position))


def _cells(record: Record) -> list[tuple[str, ...]]:
    """By what two lines are of one cell and probe: its id, or all that makes it where its data are known."""
    probes = [""] if record.probe is None else ["", record.probe]
    # A failure without a probe is of the whole cell; one of a probe is mended by a number of that probe alone.
    asked = probes if record.metric is not None else probes[-1:]
    names: list[tuple[str, ...]] = [("cell", record.cell, probe) for probe in asked if record.cell]
    if record.fingerprint:
        whole = (record.candidate, record.suite, record.dataset, record.split, record.fingerprint)
        names += [(*whole, probe) for probe in asked]
    return names


def _missing_samples(records: tuple[Record, ...], sampled: frozenset[str]) -> list[str]:
    """One sentence on cells whose per-sample values are not there; timings have none in the first place."""
    cells = {record.cell for record in records if record.metric is not None and not record.timed}
    missing = sorted(cells - sampled - {""})
    if not missing:
        return []
    shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
    return [f"{len(missing)} of {len(cells)} cells have no sample file ({shown}): their numbers cannot be recomputed."]


def suites_of(runs: Sequence[Run]) -> Suites:
    """What the runs of a page say of their suites; where two differ, the first one's word."""
    found = BEFORE
    for run in reversed(runs):
        found = found.with_run(run.manifest)
    return found


def sample_file(folder: Path, cell: str) -> Path:
    """Where the per-sample values of a cell are; only plain names are followed."""
    plain = "".join(letter for letter in cell if letter.isalnum() or letter in "_-")
    return folder / "samples" / f"{plain}.parquet"
