"""Sample files and pictures against the records that they belong to, and the seal over all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.ab import SIDES
from foresight_harness.judging.analyses.ab import SUITE as AB
from foresight_harness.running.lifecycle import sealing
from foresight_harness.running.run_folder.record_file import whole_lines
from foresight_harness.running.run_folder.run_data import RunData


def check_samples(run: RunData) -> Iterator[str]:
    """What sample files say of themselves, and whether a record stands for everything that they hold."""
    cells: dict[str, list[Record]] = {}
    for record in run.records:
        cells.setdefault(record.cell, []).append(record)
    for cell, own in cells.items():
        path = run.path / "samples" / f"{cell}.parquet"
        if not path.is_file():
            continue
        first = own[0]
        try:
            told = pq.read_schema(path).metadata or {}
            rows = run.sample_rows(cell)
        except (RunFolderError, OSError, ValueError, pa.ArrowException):
            continue  # said where the numbers are computed again
        for name, value in (("run", first.run), ("cell", cell), ("candidate", first.candidate), ("suite", first.suite)):
            stated = told.get(name.encode(), value.encode()).decode("utf-8", "replace")
            if value and stated != value:
                yield f"samples/{cell}.parquet is of {name} {stated}, its records are of {value}"
        stated_of = {(record.metric, record.probe) for record in own if record.per_sample}
        if first.suite == AB:  # its one number is the ratio of two series of seconds
            stated_of |= {(side, None) for side in SIDES}
        held = {(str(row["metric"]), row["probe"]) for row in rows}
        for metric, probe in sorted(held - stated_of, key=str):
            by = f" by {probe}" if probe else ""
            yield f"samples/{cell}.parquet holds {metric}{by} of {first.candidate}, which no record states"
        if any((row["dataset"], row["split"]) != (first.dataset, first.split) for row in rows):
            yield f"samples/{cell}.parquet is of another data set or split than {first.candidate}'s records"
        seeds_of: dict[tuple[str, str | None], set[int]] = {}
        for row in rows:
            seeds_of.setdefault((row["metric"], row["probe"]), set()).add(row["seed"])
        for record in own:
            seeds = seeds_of.get((record.metric, record.probe), set())
            if record.per_sample and record.seeds and seeds != set(record.seeds):
                yield f"{record.metric} of {record.candidate}: seeds of its record are not those of its samples"


def check_media(run: RunData) -> Iterator[str]:
    """The index of pictures against the pictures, both ways, and against the cells that they are of."""
    folder = run.path / "media"
    lines, end = whole_lines(folder / "index.jsonl", 0)
    if not (folder / "index.jsonl").is_file():
        if folder.is_dir() and any(path.is_file() for path in folder.rglob("*")):
            yield "media/index.jsonl was removed, and there are pictures"
        return
    if end != (folder / "index.jsonl").stat().st_size:
        yield "media/index.jsonl ends within a line"
    cells = {record.cell: record for record in run.all_records}
    indexed = {"media/index.jsonl"}
    for number, line in enumerate(lines, start=1):
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            one = None
        if not isinstance(one, Mapping):
            yield f"line {number} of media/index.jsonl is no object"
            continue
        for name in ("path", "still"):
            if isinstance(one.get(name), str):
                indexed.add(one[name])
                if not (run.path / one[name]).is_file():
                    yield f"{one[name]} of {one.get('candidate') or one.get('dataset')} was removed"
        record = cells.get(str(one.get("cell")))
        if one.get("cell") is not None and record is None:
            yield f"line {number} of media/index.jsonl is of cell {one['cell']}, which has no record"
        elif record is not None and (one.get("candidate"), one.get("dataset")) != (record.candidate, record.dataset):
            yield f"line {number} of media/index.jsonl is of another candidate or data set than its cell"
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(run.path).as_posix()
        if path.is_file() and name not in indexed and not path.name.startswith("."):
            yield f"{name} stands in no line of media/index.jsonl"


def check_seal(run: RunData) -> tuple[str | None, list[str]]:
    """The digest of the seal, None where there is none, and what is not as it was sealed."""
    there = (run.path / sealing.NAME).is_file()
    if not there:
        missed = bool(run.manifest.get(sealing.MARK))
        return None, [f"{sealing.NAME} was removed: run.json says that the run is sealed"] if missed else []
    try:
        found = sealing.differences(run.path)
        return sealing.read_seal(run.path).digest, found
    except RunFolderError as error:
        return None, [str(error)]
