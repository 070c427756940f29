"""A finished run as arrays: what every analysis reads. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import Record
from foresight_harness.contracts.specs import SuiteFacts
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.running.run_folder.manifest_shape import read_manifest
from foresight_harness.running.run_folder.part_facts import probe_facts_of, suite_facts_of
from foresight_harness.running.run_folder.record_file import read_records
from foresight_harness.running.run_folder.samples import read_rows
from foresight_harness.running.run_folder.tokens import Tokens, read_tokens


class SampleValues(NamedTuple):
    """Per-sample values of one record."""

    values: Floats
    """NaN where undefined. [S, n]"""
    seeds: tuple[int, ...]
    """Of the rows."""
    samples: tuple[str, ...]
    """Of the columns: ids of pictures or clips."""
    groups: tuple[str, ...]
    """Cluster of each sample."""

    @property
    def mean_over_seeds(self) -> Floats:
        """NaN where no seed has a value. [n]"""
        defined = ~np.isnan(self.values)
        sums = np.where(defined, self.values, 0.0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            return np.asarray(sums / defined.sum(axis=0), dtype=np.float64)


class SampleStats(NamedTuple):
    """Sufficient statistics of a corpus metric (average precision)."""

    stats: tuple[tuple[Mapping[str, Any], ...], ...]
    """By seed and sample. S x n"""
    seeds: tuple[int, ...]
    samples: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class RunData:
    """Manifest and records of a run; samples are read when they are asked for."""

    path: Path
    manifest: Mapping[str, Any]
    all_records: tuple[Record, ...]
    """Failed cells too."""

    @classmethod
    def load(cls, path: Path) -> RunData:
        """Read a run folder.

        Raises:
            RunFolderError: in one line, where a file is absent, damaged or of a newer schema.
        """
        manifest = read_manifest(path / "run.json")
        if not (path / "records.jsonl").is_file():
            raise RunFolderError(f"{path} holds no records.jsonl: nothing was measured, or it was removed")
        return cls(path, manifest, tuple(read_records(path / "records.jsonl")))

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Records that hold a number's metric: cells that did not fail."""
        return tuple(record for record in self.all_records if record.ok and record.metric)

    @property
    def cells(self) -> tuple[Mapping[str, Any], ...]:
        """Cells that were planned: ``{cell, candidate, suite, dataset}``; none where a run of before does not say."""
        return tuple(self.manifest.get("cells") or ())

    @cached_property
    def suites(self) -> Mapping[str, SuiteFacts]:
        """What the run says of its suites, by name."""
        return suite_facts_of(self.manifest)

    def audit_only(self, probe: str) -> bool:
        """Whether a probe does not measure what it claims; one that the run knows nothing of does."""
        facts = probe_facts_of(self.manifest).get(probe)
        return facts is not None and bool(facts.audit_only)

    def seeded_probe(self, probe: str | None) -> bool:
        """Whether anything in a probe is random; one that the run knows nothing of is taken to be solved."""
        facts = probe_facts_of(self.manifest).get(probe or "")
        return facts is not None and facts.seeded

    def select(self, **wanted: Any) -> list[Record]:
        """Records whose fields equal what is given: ``select(suite="spatial", metric="iou", role="candidate")``."""
        found = list(self.records)
        for name, value in wanted.items():  # one after the other: of thousands of records the first leaves few
            found = [record for record in found if getattr(record, name) == value]
        return found

    def values(self, record: Record) -> SampleValues | None:
        """Per-sample values of a record; None for a metric of the whole split (AP, CKA, latency).

        Raises:
            RunFolderError: where the sample file of its cell is damaged, or lacks what the record says it holds.
        """
        rows = [row for row in self._rows(record) if row["stat"] is None]
        if not rows:
            self._require_none(record, "values")
            return None
        seeds, samples = _axes(record, rows)
        values = np.array([row["value"] for row in rows], dtype=np.float64).reshape(len(seeds), len(samples))
        return SampleValues(values, seeds, samples, tuple(row["group"] for row in rows[: len(samples)]))

    def stats(self, record: Record) -> SampleStats | None:
        """Sufficient statistics of a corpus metric's record; None for other metrics. Raises: RunFolderError."""
        rows = [row for row in self._rows(record) if row["stat"] is not None]
        if not rows:
            self._require_none(record, "stats")
            return None
        seeds, samples = _axes(record, rows)
        count = len(samples)
        try:
            stats = [json.loads(row["stat"]) for row in rows]
        except (ValueError, RecursionError) as error:
            raise RunFolderError(f"samples/{record.cell}.parquet: a statistic is not JSON: {error}") from error
        by_seed = tuple(tuple(stats[start : start + count]) for start in range(0, len(stats), count))
        return SampleStats(by_seed, seeds, samples, tuple(row["group"] for row in rows[:count]))

    def sample_rows(self, cell: str) -> list[dict[str, Any]]:
        """Every row of a cell's sample file, in file order; empty where it has none. Raises: RunFolderError."""
        return [row for rows in self._cell(cell).values() for row in rows]

    def tokens(self, cell: str) -> dict[str, Tokens]:
        """Tokens that a cell kept, by part; empty where it kept none. Raises: RunFolderError."""
        return read_tokens(self.path, cell)

    def _require_none(self, record: Record, kind: str) -> None:
        if record.per_sample == kind:
            raise RunFolderError(
                f"samples/{record.cell}.parquet lacks the {kind} of {record.metric} of {record.candidate}; "
                "the file was removed or cut"
            )

    def _rows(self, record: Record) -> list[dict[str, Any]]:
        """Rows of the cell's sample file that belong to a record, in file order: by seed, then sample."""
        return self._cell(record.cell).get((record.metric, record.probe), [])

    def _cell(self, cell: str) -> dict[tuple[str, str | None], list[dict[str, Any]]]:
        if cell not in self._cells:
            self._cells[cell] = _read_samples(self.path / "samples" / f"{cell}.parquet")
        return self._cells[cell]

    @cached_property
    def _cells(self) -> dict[str, dict[tuple[str, str | None], list[dict[str, Any]]]]:
        return {}


def _axes(record: Record, rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Seeds and samples of rows that lie by seed, then sample."""
    seeds = tuple(dict.fromkeys(row["seed"] for row in rows))
    count = len(rows) // len(seeds)
    ids = [row["sample"] for row in rows[:count]]
    if [(row["seed"], row["sample"]) for row in rows] != [(seed, sample) for seed in seeds for sample in ids]:
        raise RunFolderError(
            f"samples of cell {record.cell}, {record.metric}: {len(rows)} values for {len(seeds)} seeds of "
            f"{count} samples; some are missing or in another order"
        )
    return seeds, told_apart(ids)


def told_apart(ids: Sequence[str]) -> tuple[str, ...]:
    """Ids of samples, each once: where one stands for several, by its place among them. One such data set must not
    cost the others their conclusions.

    >>> told_apart(["a", "b", "a"])
    ('a', 'b', 'a (2)')
    """
    seen: dict[str, int] = {}
    taken, found = set(ids), []
    for name in ids:
        seen[name] = seen.get(name, 0) + 1
        unique = name if seen[name] == 1 else f"{name} ({seen[name]})"
        while seen[name] > 1 and unique in taken:
            unique += "'"
        taken.add(unique)
        found.append(unique)
    return tuple(found)


def _read_samples(path: Path) -> dict[tuple[str, str | None], list[dict[str, Any]]]:
    if not path.is_file():  # a cell without per-sample values (latency) has no file
        return {}
    by_record: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in read_rows(path):
        by_record.setdefault((row["metric"], row["probe"]), []).append(row)
    return by_record


def measured_candidates(records: Sequence[Record]) -> list[str]:
    """Candidates in order of appearance, each once; controls are none of them."""
    return list(dict.fromkeys(record.candidate for record in records if record.is_candidate))
