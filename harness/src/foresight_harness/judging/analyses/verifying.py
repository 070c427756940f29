"""Does a run folder say what its samples say? Every value, interval, protocol and conclusion is computed again."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import DataError, RunFolderError
from foresight_harness.contracts.identity import digest
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.catalogue import KINDS, Kind
from foresight_harness.judging.analyses.envelope import FOLDER, analysis_path, read_analysis
from foresight_harness.judging.consistency.files import check_media, check_samples, check_seal
from foresight_harness.judging.consistency.manifest import check_manifest
from foresight_harness.judging.consistency.records import check_records
from foresight_harness.parts.statistics.bootstrap import Estimate
from foresight_harness.running.run_folder.intervals import summary_of_stats, summary_of_values
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.run_folder.samples import rows_digest
from foresight_harness.running.run_folder.tokens import FOLDER as FOLDER_OF_TOKENS
from foresight_harness.running.run_folder.tokens import tokens_digest

TOLERANCE = 1e-9
"""Relative; another version of numpy may add in another order."""
DRAWN_TOLERANCE = 1e-5
"""Of conclusions: errors of boards are drawn in single precision."""


@dataclass
class Verified:
    """What was checked, and what does not hold."""

    records: int = 0
    """Recomputed from samples."""
    whole: int = 0
    """Numbers of a whole split (CKA, latency, memory, counts): there are no samples to compute them from."""
    analyses: int = 0
    seal: str | None = None
    """Digest of the seal; None where the run is not sealed."""
    problems: list[str] = field(default_factory=list)
    """One line each, with the record named."""
    older: list[str] = field(default_factory=list)
    """Conclusions by a method of before, one line each: they stand, and cannot be repeated."""


def verify(path: Path, kinds: tuple[Kind, ...] | None = None) -> Verified:
    """Check a run folder.

    Raises:
        RunFolderError: in one line, where it cannot be read at all.
    """
    run, found = RunData.load(path), Verified()
    found.seal, found.problems = check_seal(run)
    found.problems += _form(run)
    for check in (check_manifest, check_records, check_samples, check_media):
        found.problems += _carefully(check, run)
    for record in run.records:
        if record.per_sample is None:
            found.whole += 1
            continue
        try:
            wrong = list(_differences(record, _recomputed(run, record)))
        except (RunFolderError, DataError, KeyError, TypeError, ValueError) as error:
            wrong = [" ".join(f"{error}".split())[:300]]
        found.records += 1
        found.problems += [f"{_named(record)}: {reason}" for reason in wrong]
    found.problems += _samples(run)
    for kind in KINDS if kinds is None else kinds:
        found.analyses += analysis_path(path, kind.kind).is_file()
        if (stated := _form_of(path, kind)) < kind.form:
            found.older.append(
                f"{FOLDER}/{kind.kind}.json was concluded by a method of before (form {stated}, today {kind.form}); "
                "it is not repeated"
            )
        else:
            found.problems += _analysis(run, kind)
    return found


def _carefully(check: Callable[[RunData], Iterator[str]], run: RunData) -> list[str]:
    """The lines of a check; one that cannot go on says so, for the folder was written by nobody knows whom."""
    found = []
    try:
        for line in check(run):
            found.append(line)
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        found.append(f"{check.__name__.removeprefix('check_')} cannot be checked: {reason}")
    return list(dict.fromkeys(found))


def _named(record: Record) -> str:
    probe = f" by {record.probe}" if record.probe else ""
    return f"{record.suite} {record.metric}{probe} of {record.candidate} on {record.dataset}"


def _form(run: RunData) -> Iterator[str]:
    """What can be wrong with the lines themselves."""
    if not (run.path / "records.jsonl").read_bytes().endswith(b"\n"):
        yield "records.jsonl ends within a line: the last record was lost"
    cells: dict[str, list[Record]] = {}
    for record in run.all_records:
        cells.setdefault(record.cell, []).append(record)
    for cell, records in cells.items():
        if len(records) != (records[0].of_cell or len(records)):
            yield f"cell {cell} ({records[0].candidate}): {len(records)} of {records[0].of_cell} records"
        names = Counter((record.metric, record.probe) for record in records if record.metric)
        if double := [metric for (metric, _), count in names.items() if count > 1]:
            yield f"cell {cell} ({records[0].candidate}): two records of {double[0]}"
    protocols: Mapping[str, Any] = run.manifest.get("protocols") or {}
    for name, choices in protocols.items():
        if digest(choices) != name:
            yield f"protocol {name} of run.json was changed: its choices have digest {digest(choices)}"
    for name in sorted({str(record.protocol) for record in run.records} - set(protocols)):
        yield f"protocol {name} of a record does not stand in run.json"


def _recomputed(run: RunData, record: Record) -> Estimate:
    count = record.resamples or 0
    if record.per_sample == "stats":
        stats = run.stats(record)
        assert stats is not None
        return summary_of_stats(stats.stats, stats.groups, count)
    values = run.values(record)
    assert values is not None
    return summary_of_values(values.values, values.groups, count)


def _differences(record: Record, found: Estimate) -> Iterator[str]:
    interval = found.interval
    compared = {
        "value": (record.value, found.mean if math.isfinite(found.mean) else None),
        "ci_low": (record.ci_low, interval.low if interval else None),
        "ci_high": (record.ci_high, interval.high if interval else None),
        "ci_method": (record.ci_method, interval.method if interval else None),
        "n": (record.n, found.n),
    }
    for name, (stated, computed) in compared.items():
        if not _equal(stated, computed):
            yield f"{name} is {_shown(stated)} in its record and {_shown(computed)} from its samples"


def _samples(run: RunData) -> Iterator[str]:
    """Sample files against the records that they belong to."""
    records: dict[str, list[Record]] = {}
    for record in run.records:
        records.setdefault(record.cell, []).append(record)
    for path in sorted((run.path / "samples").glob("*.parquet")):
        if path.stem not in records:
            yield f"samples/{path.name} belongs to no record"
    for cell, own in records.items():
        stated = own[0].samples_digest
        try:
            rows = run.sample_rows(cell)
        except RunFolderError as error:
            yield str(error)
            continue
        if stated is not None and rows_digest(rows) != stated:
            yield f"samples/{cell}.parquet was changed after {own[0].candidate} was scored"
    yield from _tokens(run, records)


def _tokens(run: RunData, records: Mapping[str, list[Record]]) -> Iterator[str]:
    """Kept tokens against the records that they belong to."""
    for path in sorted((run.path / FOLDER_OF_TOKENS).glob("*.parquet")):
        if path.stem not in records:
            yield f"{FOLDER_OF_TOKENS}/{path.name} belongs to no record"
    for cell, own in records.items():
        stated = own[0].tokens_digest
        if stated is None:
            continue
        try:
            found = run.tokens(cell)
        except RunFolderError as error:
            yield str(error)
            continue
        if not found:
            yield f"{FOLDER_OF_TOKENS}/{cell}.parquet of {own[0].candidate} was removed"
        elif tokens_digest(found) != stated:
            yield f"{FOLDER_OF_TOKENS}/{cell}.parquet was changed after {own[0].candidate} was scored"


def _form_of(path: Path, kind: Kind) -> int:
    """Form that a kept conclusion is in; today's where there is none, or none that can be read."""
    try:
        form = read_analysis(path, kind.kind).get("form", 1)
    except RunFolderError:
        return kind.form
    return form if isinstance(form, int) else kind.form


def _analysis(run: RunData, kind: Kind) -> Iterator[str]:
    path = analysis_path(run.path, kind.kind)
    try:
        found = kind.analyse(run)
        expected = None if found is None else json.loads(json.dumps(found.as_json(), allow_nan=False))
        stated = read_analysis(run.path, kind.kind) if path.is_file() else None
    except Exception as error:  # whatever an analysis raises is what is wrong with it
        yield f"{FOLDER}/{kind.kind}.json: {' '.join(f'{type(error).__name__}: {error}'.split())[:300]}"
        return
    if expected is None and stated is None:
        return
    if stated is None:
        yield f"{FOLDER}/{kind.kind}.json is absent, and the run holds what it is concluded from"
    elif expected is None:
        yield f"{FOLDER}/{kind.kind}.json stands there, and the run holds nothing that it could be concluded from"
    elif (place := _first_difference(stated, expected, "")) is not None:
        yield f"{FOLDER}/{kind.kind}.json differs at {place}"


def _first_difference(stated: Any, expected: Any, place: str) -> str | None:
    """Where two JSON values differ first, with both values."""
    if isinstance(stated, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in stated if key not in expected)]:
            if key not in stated or key not in expected:
                return f"{place}.{key}, which is {'not there' if key in expected else 'not computed'}".lstrip(".")
            if (found := _first_difference(stated[key], expected[key], f"{place}.{key}")) is not None:
                return found
        return None
    if isinstance(stated, list) and isinstance(expected, list) and len(stated) == len(expected):
        for index, (one, other) in enumerate(zip(stated, expected, strict=True)):
            if (found := _first_difference(one, other, f"{place}[{index}]")) is not None:
                return found
        return None
    if _equal(stated, expected, DRAWN_TOLERANCE):
        return None
    return f"{place.lstrip('.')}: {_shown(stated)} stands there, {_shown(expected)} is computed"


def _equal(first: Any, second: Any, tolerance: float = TOLERANCE) -> bool:
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    if numbers and not isinstance(first, bool) and not isinstance(second, bool):
        return math.isclose(first, second, rel_tol=tolerance, abs_tol=TOLERANCE)
    return bool(first == second)


def _shown(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else f"{value!r:.80}"
