"""Read ``analysis/<kind>.json``: the one form of all conclusions, schema-checked, damage said in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from foresight_reports.records import SCHEMA, check_schema, number

LARGEST = 64 * 2**20
"""Bytes of one file that are read: a larger one is no conclusion."""


@dataclass(frozen=True)
class Measured:
    """A value with its interval; every part may be absent."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    method: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return self.low is not None and self.high is not None


Cell = str | float | bool | Measured | None
Line = Mapping[str, Cell]


@dataclass(frozen=True)
class Head:
    """A column: where its cells stand in a row, and how they are called and written."""

    key: str
    label: str
    unit: str = ""
    direction: str = "none"


@dataclass(frozen=True)
class Analysis:
    """One conclusion of a run. ``extra`` holds the fields that only its kind has, unchecked."""

    kind: str
    title: str
    finding: str
    caveats: Sequence[str]
    inputs: Mapping[str, Any]
    columns: Sequence[Head]
    rows: Sequence[Line]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def anchor(self) -> str:
        """The kind as a name that can stand in an address: itself where it is plain."""
        plain = re.fullmatch(r"[A-Za-z][\w-]{0,60}", self.kind, re.ASCII)
        return self.kind if plain else "k" + sha256(self.kind.encode("utf-8", "replace")).hexdigest()[:8]

    def section(self, name: str) -> list[Mapping[str, Any]]:
        """Objects of a further field, none where it is missing or of another form."""
        value = self.extra.get(name)
        return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def read_analyses(folder: Path, notes: list[str]) -> dict[str, Analysis]:
    """All conclusions of a run folder by kind, in the order of their names.

    Args:
        folder: The run folder.
        notes: Gets one sentence for each file that cannot be shown.

    Raises:
        SchemaError: when a file was written with a newer schema.
    """
    found: dict[str, Analysis] = {}
    for file in sorted((folder / "analysis").glob("*.json")):
        analysis = _read(file, notes)
        if analysis is not None:
            found[analysis.kind] = analysis
    return found


def _read(file: Path, notes: list[str]) -> Analysis | None:
    name = f"analysis/{file.name}"
    try:
        if file.stat().st_size > LARGEST:
            notes.append(f"{name} is larger than {LARGEST // 2**20} MiB; it is left out.")
            return None
        content = json.loads(file.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    except (OSError, ValueError, RecursionError):
        notes.append(f"{name} is cut off or no JSON; it is left out, and `foresight-bench verify` writes it again.")
        return None
    if not isinstance(content, dict):
        notes.append(f"{name} does not hold an object; it is left out.")
        return None
    check_schema(content.get("schema", SCHEMA), f"{file}")
    # The file's name is its kind: two files can then never stand for one.
    return parse_analysis(content, file.stem, name, notes)


def parse_analysis(content: Mapping[str, Any], kind: str, name: str, notes: list[str]) -> Analysis | None:
    """A conclusion from its JSON object; None, and a note, where it has no rows. ``name`` is what notes call it."""
    lines = content.get("rows")
    if not isinstance(lines, list):
        notes.append(f"{name} has no rows; it is left out.")
        return None
    rows = [{str(key): cell(value) for key, value in line.items()} for line in lines if isinstance(line, dict)]
    if len(rows) < len(lines):
        notes.append(f"{len(lines) - len(rows)} of {len(lines)} rows of {name} are no objects; they are left out.")
    return Analysis(
        kind=kind,
        title=_text(content.get("title")) or kind.replace("_", " ").capitalize(),
        finding=_text(content.get("finding")),
        caveats=[_text(each) for each in content.get("caveats") or () if each] if _is_list(content, "caveats") else [],
        inputs=content["inputs"] if isinstance(content.get("inputs"), dict) else {},
        columns=list(_heads(content.get("columns"), rows)),
        rows=rows,
        extra={key: value for key, value in content.items() if key not in COMMON},
    )


COMMON = ("schema", "kind", "title", "finding", "caveats", "inputs", "columns", "rows")


def _is_list(content: Mapping[str, Any], name: str) -> bool:
    return isinstance(content.get(name), list)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _heads(value: Any, rows: Sequence[Line]) -> Iterator[Head]:
    """The declared columns, then the keys that rows have beside them: nothing that was written is hidden."""
    known: set[str] = set()
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict) and isinstance(each.get("key"), str) and each["key"] not in known:
            known.add(each["key"])
            label = _text(each.get("label")) or each["key"].replace("_", " ")
            yield Head(each["key"], label, _text(each.get("unit")), _text(each.get("direction")) or "none")
    for row in rows:
        for key in row:
            if key not in known:
                known.add(key)
                yield Head(key, key.replace("_", " "))


def cell(value: Any) -> Cell:
    """A cell of a row: text, number, truth value, absent, or a measured value; anything else as its JSON text."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, dict) and "value" in value:
        return measured(value)
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def measured(value: Any) -> Measured:
    """A measured value from its object, or from a bare number."""
    if isinstance(value, Measured):
        return value
    if not isinstance(value, Mapping):
        return Measured(number(value))
    n = number(value.get("n"))
    return Measured(
        number(value.get("value")),
        number(value.get("low")),
        number(value.get("high")),
        None if n is None else int(n),
        _text(value.get("method")),
    )


def said(line: Line, key: str) -> str:
    """A cell as text, empty where it is absent."""
    value = line.get(key)
    if value is None or isinstance(value, Measured):
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else value if isinstance(value, str) else f"{value:g}"


def amount(line: Line, key: str) -> float | None:
    """A cell as a number, None where it is none."""
    value = line.get(key)
    if isinstance(value, Measured):
        return value.value
    return value if isinstance(value, float) else None


def quantity(line: Line, *keys: str) -> Measured:
    """The first of the cells that holds a number, with its interval."""
    for key in keys:
        value = line.get(key)
        if isinstance(value, Measured):
            return value
        if isinstance(value, float):
            return Measured(value)
    return Measured(None)


def truth(line: Line, key: str) -> bool | None:
    """A cell as a truth value, None where it says neither."""
    value = line.get(key)
    return value if isinstance(value, bool) else None
