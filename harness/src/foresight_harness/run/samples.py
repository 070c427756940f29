"""Per-sample values of one cell, as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foresight_harness.batches import Labels
from foresight_harness.run.folder import SCHEMA
from foresight_harness.suites.measurement import Measurement

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
        for index, stat in enumerate(measurement.stats):
            row = _row(measurement, labels, dataset, split, measurement.seeds[0], index, float("nan"))
            rows.append({**row, "stat": stat})
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


def write_samples(path: Path, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> None:
    """Write the rows in one step. ``facts`` (run, cell, candidate, suite) stand in the file's metadata."""
    metadata = {"schema": str(SCHEMA), **facts}
    table = pa.Table.from_pylist(list(rows), schema=COLUMNS.with_metadata(metadata))
    fresh = path.with_suffix(".tmp")
    pq.write_table(table, fresh, compression="zstd")
    fresh.replace(path)
