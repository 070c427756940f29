"""Constructed runs: every number is chosen, so every conclusion is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from foresight_harness.running.run_folder.run_data import RunData

Measurements = Mapping[int, Sequence[float]]
"""Per-sample values by seed."""


class Constructed:
    """Collects cells and writes them as a run."""

    def __init__(self, record: Callable[..., dict[str, Any]], write_run: Callable[..., Any]) -> None:
        self._record, self._write_run = record, write_run
        self._records: list[dict[str, Any]] = []
        self._samples: dict[str, dict[str, Measurements]] = {}

    def add(
        self,
        candidate: str,
        values: Measurements | float,
        *,
        kind: str = "pretrained",
        family: str | None = None,
        depth: float | None = None,
        objective: str | None = None,
        decoder: bool = False,
        **changes: Any,
    ) -> None:
        """One record; a number alone is a metric without per-sample values."""
        cell = f"c{len(self._records)}"
        fields = self._record(candidate=candidate, cell=cell, **changes)
        encoder = fields["axes"]["encoders"][0]
        taps = [stream.partition("@")[2] for stream in candidate.split("/")[0].split("+")]
        fields["axes"] |= {"families": [family or encoder], "taps": taps, "depths": [depth]}
        if objective is not None:
            fields["axes"]["objectives"] = [objective]
        fields["provenance"] = [
            {"part": "encoder", "name": encoder, "kind": kind},
            *([{"part": "decoder", "name": "linear", "kind": "none"}] * decoder),
        ]
        if isinstance(values, Mapping):
            rows = list(values.values())
            fields["value"] = sum(map(sum, rows)) / sum(map(len, rows))
            fields["seeds"] = list(values)
            self._samples[cell] = {fields["metric"]: values}
        else:
            fields |= {"value": values, "per_sample": None}
        self._records.append(fields)

    def run(self) -> RunData:
        """The run as an analysis reads it."""
        return RunData.load(self._write_run(self._records, self._samples))


@pytest.fixture
def constructed(record: Callable[..., dict[str, Any]], write_run: Callable[..., Any]) -> Constructed:
    return Constructed(record, write_run)
