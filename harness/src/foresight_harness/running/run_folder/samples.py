"""Per-sample values of one cell, as Parquet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import SCHEMA, Record
from foresight_harness.contracts.records.record import check_schema

if TYPE_CHECKING:
    from foresight_harness.contracts.batches import Labels
    from foresight_harness.contracts.outcomes import Measurement

COLUMNS = pa.schema(
    [
        ("metric", pa.string()),
        ("dataset", pa.string()),
        ("split", pa.string()),
        ("probe", pa.string()),
        ("seed", pa.int64()),
        ("sample", pa.string()),
        ("group", pa.string()),
        ("value", pa.float64()),
        ("stat", pa.string()),
    ]
)


def sample_rows(measurement: Measurement, labels: Labels, dataset: str, split: str) -> list[dict[str, Any]]:
    """One row a seed and sample; none for a metric without per-sample values or statistics."""
    rows = []
    if measurement.values is not None:
        for seed, values in zip(measurement.seeds, measurement.values, strict=True):
            for index, value in enumerate(values):
                rows.append(_row(measurement, labels, dataset, split, seed, index, float(value)))
    elif measurement.stats is not None:
        for seed, stats in zip(measurement.seeds, measurement.stats, strict=True):
            for index, stat in enumerate(stats):
                row = _row(measurement, labels, dataset, split, seed, index, float("nan"))
                rows.append({**row, "stat": json.dumps(stat, allow_nan=False)})
    return rows


def _row(
    measurement: Measurement, labels: Labels, dataset: str, split: str, seed: int, index: int, value: float
) -> dict[str, Any]:
    return {
        "metric": measurement.metric,
        "dataset": dataset,
        "split": split,
        "probe": measurement.probe,
        "seed": seed,
        "sample": labels.ids[index],
        "group": labels.groups[index],
        "value": value,
        "stat": None,
    }


def rows_digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """First 16 hex digits of the sha256 over rows, to the last bit of every value, whatever the file's compression."""
    names = COLUMNS.names
    lines = (
        "\x1f".join([value.hex() if isinstance(value, float) else str(value) for value in map(row.__getitem__, names)])
        for row in rows
    )
    return hashlib.sha256("".join([f"{line}\n" for line in lines]).encode()).hexdigest()[:16]


def write_samples(path: Path, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> None:
    """Write the rows in one step. ``facts`` (run, cell, candidate, suite) stand in the file's metadata."""
    metadata = {"schema": str(SCHEMA), **facts}
    table = pa.Table.from_pylist(list(rows), schema=COLUMNS.with_metadata(metadata))
    write_table(path, table)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Every row of a sample file, in its order. Raises: RunFolderError where it is damaged or of a newer schema."""
    try:
        table = pq.ParquetFile(path).read(use_threads=False)  # a small file: a data set of one costs thrice that
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunFolderError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    check_table(path, table)
    found = {field.name: field.type for field in table.schema}
    for field in COLUMNS:
        if found.get(field.name) != field.type:
            raise RunFolderError(
                f"{path}: column {field.name} is {found.get(field.name, 'absent')}, wanted is {field.type}; "
                "the file was damaged"
            )
    try:
        rows: list[dict[str, Any]] = table.to_pylist()
    except ValueError as error:  # text that is not UTF-8
        raise RunFolderError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    return rows


def samples_hold(run: Path, records: Sequence[Record]) -> bool:
    """Whether the sample file of a cell holds the rows that its records were computed from."""
    stated = records[0].samples_digest
    if stated is None:
        return True
    try:
        return rows_digest(read_rows(run / "samples" / f"{records[0].cell}.parquet")) == stated
    except RunFolderError:
        return False


def check_table(path: Path, table: pa.Table) -> None:
    """Refuse a table that a newer version wrote. Raises: RunFolderError."""
    schema = (table.schema.metadata or {}).get(b"schema", b"").decode()
    check_schema(int(schema) if schema.isdigit() else schema or "none", str(path))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table in one step; what a full disk left of it is removed."""
    fresh = path.with_suffix(".tmp")
    try:
        pq.write_table(table, fresh, compression="zstd")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
