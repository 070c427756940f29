"""One measured number with its context: a line of ``records.jsonl``, the only place that knows its names on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from foresight_reports.errors import SchemaError
from foresight_reports.suites import BEFORE, Suites

SCHEMA = 1
"""The newest schema of a run folder's files that this reader knows."""
RENAMED: Mapping[int, Mapping[str, str]] = {}
"""Schema -> names of a record's fields, and what the next one calls them."""
WEIGHT_KINDS = ("random", "nano", "pretrained", "published")
"""Kinds of weights from the least to the most meaningful; a candidate is as good as its worst part."""


@dataclass(frozen=True)
class Axes:
    """The choices that make a candidate; empty where the line does not say."""

    encoders: tuple[str, ...] = ()
    taps: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    enhancer: str = ""
    fusion: str = ""
    decoder: str = ""


@dataclass(frozen=True)
class Model:
    """A model behind a number, and where its weights came from."""

    part: str = ""
    name: str = ""
    kind: str = ""
    sha256: str = ""
    repo: str = ""
    revision: str = ""
    seed: int | None = None
    quantize: str = ""

    @property
    def said(self) -> str:
        """Kind of weights, with the bits that they were quantised to when loaded."""
        bits = {"8bit": "8 bits", "4bit": "4 bits"}.get(self.quantize, self.quantize)
        return f"{self.kind}, {bits}" if bits else self.kind


@dataclass(frozen=True)
class Null:
    """What exchanged pictures make of a number."""

    mean: float | None
    p95: float | None
    permutations: float | None


@dataclass(frozen=True)
class Record:
    """A line of ``records.jsonl``.

    ``position`` is its place in the file, ``place`` that of its run on the page: they name its anchor.
    """

    position: int
    run: str
    cell: str
    candidate: str
    axes: Axes
    role: str
    suite: str
    metric: str | None
    probe: str | None
    value: float | None
    unit: str
    direction: str
    n: int | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str | None
    floor: float | None
    ceiling: float | None
    floor_by: str | None
    ceiling_by: str | None
    null: Null | None
    seeds: tuple[int, ...]
    dataset: str
    fingerprint: str
    split: str
    protocol: str
    provenance: tuple[Model, ...]
    gateable: bool
    admission: str | None
    """``refused`` and ``not checked`` are said wherever the number stands; a refused one has no rank."""
    admission_reason: str | None
    dtype: str
    device: str
    attention: str
    params: Mapping[str, float] | None
    tokens: tuple[int, ...] | None
    """That each stream makes of a picture; None in older runs."""
    wall_s: float | None
    status: str
    error: str | None
    trace: str | None
    controls_ok: bool | None
    details: Mapping[str, Any] = field(default_factory=dict)
    place: int = 0
    suites: Suites = field(default=BEFORE, repr=False, compare=False)
    """What its run says of its suites."""

    @property
    def label(self) -> str:
        """What a reader calls its metric."""
        return self.suites.label(self.metric or "")

    @property
    def timed(self) -> bool:
        """Whether it belongs to a suite that times."""
        return self.suites.timed(self.suite)

    @property
    def anchor(self) -> str:
        """Name of the place in the page that shows this record whole."""
        return f"r{self.position}" if self.place == 0 else f"r{self.place}-{self.position}"

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return self.ci_low is not None and self.ci_high is not None

    @property
    def weights(self) -> str:
        """The least meaningful kind among the loaded models, ``none`` where nothing was loaded."""
        kinds = {model.kind for model in self.provenance}
        return next((kind for kind in WEIGHT_KINDS if kind in kinds), "none")


def number(value: Any) -> float | None:
    """A finite number, or None: absent is never 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def text(value: Any, absent: str = "") -> str:
    """The string itself; ``absent`` where the field is missing or null."""
    return absent if value is None else str(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _axes(value: Any) -> Axes:
    line = _mapping(value)
    return Axes(
        encoders=_texts(line.get("encoders")),
        taps=_texts(line.get("taps")),
        streams=_texts(line.get("streams")),
        enhancer=text(line.get("enhancer")),
        fusion=text(line.get("fusion")),
        decoder=text(line.get("decoder")),
    )


def _model(value: Any) -> Model:
    line = _mapping(value)
    seed = number(line.get("seed"))
    return Model(
        part=text(line.get("part")),
        name=text(line.get("name")),
        kind=text(line.get("kind")),
        sha256=text(line.get("sha256")),
        repo=text(line.get("repo")),
        revision=text(line.get("revision")),
        seed=None if seed is None else int(seed),
        quantize=text(line.get("quantize")),
    )


def _null(value: Any) -> Null | None:
    if not isinstance(value, Mapping):
        return None
    return Null(number(value.get("mean")), number(value.get("p95")), number(value.get("permutations")))


def _counts(value: Any) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(part): count for part, found in value.items() if (count := number(found)) is not None}


def _tokens(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not all(type(count) is int and count >= 0 for count in value):
        return None
    return tuple(value)


def check_schema(found: Any, where: str) -> None:
    """Refuse what a newer version wrote. Raises: SchemaError."""
    if not isinstance(found, int) or found > SCHEMA:
        raise SchemaError(
            f"{where} has schema {found!r}, this reader knows up to {SCHEMA}. Upgrade foresight-reports to read it."
        )


def upgraded(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """A line of an older schema under the names of this one."""
    schema = line.get("schema", SCHEMA)
    for older in range(schema if isinstance(schema, int) else SCHEMA, SCHEMA):
        names = RENAMED.get(older, {})
        line = {names.get(key, key): value for key, value in line.items()}
    return line


def parse_record(line: Mapping[str, Any], position: int, place: int = 0, suites: Suites = BEFORE) -> Record:
    """Read one line, older ones too: fields that are missing or damaged are absent.

    Args:
        line: The parsed JSON object.
        position: Place in the file, from 0. The file only grows, so the anchor made of it stays.
        place: Place of the run on the page, from 0.
        suites: What the run says of its suites.
    """
    line = upgraded(line)
    seeds = line.get("seeds")
    provenance = line.get("provenance")
    n = number(line.get("n"))
    metric = line.get("metric")
    return Record(
        position=position,
        run=text(line.get("run")),
        cell=text(line.get("cell")),
        candidate=text(line.get("candidate"), "(no candidate)"),
        axes=_axes(line.get("axes")),
        role=text(line.get("role"), "candidate"),
        suite=text(line.get("suite"), "(no suite)"),
        metric=None if metric is None else str(metric),
        probe=None if line.get("probe") is None else str(line["probe"]),
        value=number(line.get("value")),
        unit=text(line.get("unit")),
        direction=text(line.get("direction"), "none"),
        n=None if n is None else int(n),
        ci_low=number(line.get("ci_low")),
        ci_high=number(line.get("ci_high")),
        ci_method=None if line.get("ci_method") is None else str(line["ci_method"]),
        floor=number(line.get("floor")),
        ceiling=number(line.get("ceiling")),
        floor_by=None if line.get("floor_by") is None else str(line["floor_by"]),
        ceiling_by=None if line.get("ceiling_by") is None else str(line["ceiling_by"]),
        null=_null(line.get("null")),
        seeds=tuple(int(seed) for seed in seeds if isinstance(seed, int)) if isinstance(seeds, list) else (),
        dataset=text(line.get("dataset")),
        fingerprint=text(line.get("fingerprint")),
        split=text(line.get("split")),
        protocol=text(line.get("protocol")),
        provenance=tuple(_model(part) for part in provenance) if isinstance(provenance, list) else (),
        gateable=line.get("gateable") is True,
        admission=None if line.get("admission") is None else str(line["admission"]),
        admission_reason=None if line.get("admission_reason") is None else str(line["admission_reason"]),
        dtype=text(line.get("dtype")),
        device=text(line.get("device")),
        attention=text(line.get("attention")),
        params=_counts(line.get("params")),
        tokens=_tokens(line.get("tokens")),
        wall_s=number(line.get("wall_s")),
        status=text(line.get("status"), "ok"),
        error=None if line.get("error") is None else str(line["error"]),
        trace=None if line.get("trace") is None else str(line["trace"]),
        controls_ok=line.get("controls_ok") if isinstance(line.get("controls_ok"), bool) else None,
        details=_mapping(line.get("details")),
        place=place,
        suites=suites,
    )
