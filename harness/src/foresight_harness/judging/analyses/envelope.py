"""The one form of every conclusion: ``analysis/<kind>.json`` of a run folder. ``docs/run-folder.md`` describes it."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import SCHEMA, Record

FOLDER = "analysis"
OWN = ("schema", "form", "kind", "title", "finding", "caveats", "inputs", "columns", "rows")
"""Names that no further field may have."""


@dataclass(frozen=True)
class Column:
    """What one key of the rows means."""

    key: str
    label: str
    unit: str = ""
    direction: str = "none"
    """``higher`` or ``lower`` is better; ``none`` for text and facts."""


@dataclass(frozen=True)
class Measured:
    """A measured value in a row: never a bare mean."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str | None
    """Of the interval; None where there is none."""

    @classmethod
    def of(cls, record: Record) -> Measured:
        """A record's number with its interval."""
        return cls(record.value, record.ci_low, record.ci_high, record.n, record.ci_method)

    def as_json(self) -> dict[str, Any]:
        """As it stands in a row."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "method": self.method}


@dataclass(frozen=True)
class Analysis:
    """A conclusion from records and samples, as a table under one sentence."""

    kind: str
    """lower_snake_case; the name of the file."""
    title: str
    finding: str
    """One generated sentence."""
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    """Text, number, bool, None or ``Measured`` by column key."""
    caveats: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Suites, metrics, seeds, method that it comes from."""
    further: Mapping[str, Any] = field(default_factory=dict)
    """Fields of this kind alone, beside the table."""
    form: int = 1
    """Of the kind's method and rows; a new one says that what an older file holds is concluded otherwise today."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.kind):
            raise ValueError(f"analysis kind {self.kind!r} is not lower_snake_case")
        keys = [column.key for column in self.columns]
        if len(set(keys)) < len(keys):
            raise ValueError(f"analysis {self.kind}: two columns have one key in {keys}")
        for number, row in enumerate(self.rows):
            if unknown := [key for key in row if key not in keys]:
                raise ValueError(f"analysis {self.kind}, row {number}: no column {unknown[0]!r}; there are {keys}")
        if clash := [name for name in self.further if name in OWN]:
            raise ValueError(f"analysis {self.kind}: further field {clash[0]!r} has a name of the common form")

    def as_json(self) -> dict[str, Any]:
        """Strict JSON types; NaN (undefined) becomes null.

        Raises:
            ValueError: naming the place of an infinite number or of a type that JSON has not.
        """
        content = {
            "schema": SCHEMA,
            **({"form": self.form} if self.form > 1 else {}),
            "kind": self.kind,
            "title": self.title,
            "finding": self.finding,
            "caveats": list(self.caveats),
            "inputs": self.inputs,
            "columns": [vars(column) for column in self.columns],
            "rows": [{column.key: row.get(column.key) for column in self.columns} for row in self.rows],
            **self.further,
        }
        return {name: _strict(value, f"analysis {self.kind}: {name}") for name, value in content.items()}


def _strict(value: Any, place: str) -> Any:
    if isinstance(value, Measured):
        value = value.as_json()
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError(f"{place} is infinite: a conclusion gives a number or null")
        return None if math.isnan(value) else value
    if isinstance(value, Mapping):
        return {str(key): _strict(entry, f"{place}.{key}") for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence):
        return [_strict(entry, f"{place}[{index}]") for index, entry in enumerate(value)]
    raise ValueError(f"{place} is a {type(value).__name__}, which JSON has not")


def analysis_path(run: Path, kind: str) -> Path:
    """Where a conclusion lies in a run folder."""
    return run / FOLDER / f"{kind}.json"


def write_analysis(run: Path, analysis: Analysis) -> Path:
    """Write a conclusion into a run folder in one step. Raises: ValueError as ``Analysis.as_json``."""
    path = analysis_path(run, analysis.kind)
    text = json.dumps(analysis.as_json(), indent=1, allow_nan=False)
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return path


def read_analysis(run: Path, kind: str) -> dict[str, Any]:
    """A conclusion as it was written; an older one under this schema, whose form is the same.

    Raises:
        RunFolderError: where it is absent, damaged or of a newer schema.
    """
    path = analysis_path(run, kind)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise RunFolderError(f"{path} is no analysis: it has no schema number")
    if content["schema"] > SCHEMA:
        raise RunFolderError(f"{path} has schema {content['schema']}, newer than {SCHEMA}; upgrade foresight-harness")
    return {**content, "schema": SCHEMA}
