"""Stored objects: dataclasses whose fields say type, unit, meaning and name on disk; read strictly."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, TypeVar

from foresight_harness.contracts.errors import RunFolderError

Stored = TypeVar("Stored")
ABOUT = "about"
"""Key of a dataclass field's metadata under which its ``About`` lies; a field without one is not stored."""


_FIELDS: dict[type, tuple[tuple[Field[Any], About, str], ...]] = {}
_READERS: dict[type, dict[str, tuple[str, Callable[[Any], Any]]]] = {}
"""Both are asked once a record, and made once a class."""


class WrongTypeError(Exception):
    """A JSON value is not of the kind that its field wants; ``place`` leads to it from the field, as ``[2].name``."""

    def __init__(self, value: object, wanted: str, place: str = "") -> None:
        super().__init__(f"{place} is {value!r:.60}, wanted is {wanted}")
        self.value, self.wanted, self.place = value, wanted, place


@dataclass(frozen=True)
class Kind:
    """A type on disk, with what turns its JSON into an attribute and back."""

    name: str
    """As documentation says it."""
    read: Callable[[Any], Any]
    """Raises: WrongTypeError."""
    write: Callable[[Any], Any] = lambda value: value
    part: type | None = None
    """The stored dataclass that it holds, if it holds any."""


@dataclass(frozen=True)
class About:
    """What a field means."""

    kind: Kind
    meaning: str
    """A phrase for documentation, in Markdown."""
    unit: str
    key: str
    """Name on disk; empty where it is the attribute's."""
    lasting: bool
    """False where two undisturbed runs of one plan may differ in it."""


def about(kind: Kind, meaning: str, *, unit: str = "", key: str = "", lasting: bool = True) -> dict[str, About]:
    """Metadata of a stored field."""
    return {ABOUT: About(kind, meaning, unit, key, lasting)}


def stored_fields(kind: type) -> tuple[tuple[Field[Any], About, str], ...]:
    """Every stored field of a dataclass with its meaning and its name on disk, in the order of a line."""
    if kind not in _FIELDS:
        found = [(field, field.metadata[ABOUT]) for field in fields(kind) if ABOUT in field.metadata]
        _FIELDS[kind] = tuple((field, told, told.key or field.name) for field, told in found)
    return _FIELDS[kind]


def read_object(kind: type[Stored], content: object) -> Stored:
    """A stored object from its JSON object; what this version does not know is kept in ``further``.

    Args:
        kind: A dataclass of stored fields, with a field ``further``.
        content: Of the line.

    Raises:
        WrongTypeError: where a field is missing or of another type.
    """
    if not isinstance(content, Mapping):
        raise WrongTypeError(content, "an object")
    by_key = _by_key(kind)
    values: dict[str, Any] = {}
    further: dict[str, Any] = {}
    for key, value in content.items():
        if key not in by_key:
            further[key] = value
            continue
        name, read = by_key[key]
        try:
            values[name] = read(value)
        except WrongTypeError as error:
            raise WrongTypeError(error.value, error.wanted, f".{key}{error.place}") from None
    for field, told, key in stored_fields(kind):
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise WrongTypeError(None, f"{told.kind.name}, and it is missing", f".{key}")
    make: Callable[..., Stored] = kind
    return make(**values, further=further)


def _by_key(kind: type) -> dict[str, tuple[str, Callable[[Any], Any]]]:
    if kind not in _READERS:
        _READERS[kind] = {key: (field.name, told.kind.read) for field, told, key in stored_fields(kind)}
    return _READERS[kind]


def written_object(found: Any, names: Collection[str] | None = None) -> dict[str, Any]:
    """The JSON object of a stored object; ``names`` are the attributes to write, in their order (default: all)."""
    by_name = {field.name: (told, key) for field, told, key in stored_fields(type(found))}
    wanted = by_name if names is None else names
    written = {by_name[name][1]: by_name[name][0].kind.write(getattr(found, name)) for name in wanted}
    return written | dict(found.further)


def refusal(where: str, error: WrongTypeError) -> RunFolderError:
    """The one line about what cannot be read."""
    place = error.place.lstrip(".") or "the line"
    return RunFolderError(f"{where}: {place} is {error.value!r:.60}, wanted is {error.wanted}; the file was damaged")


def _plain(name: str, fits: Callable[[Any], bool]) -> Kind:
    def read(value: Any) -> Any:
        if not fits(value):
            raise WrongTypeError(value, name)
        return value

    return Kind(name, read)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


TEXT = _plain("str", lambda value: isinstance(value, str))
COUNT = _plain("int", _is_count)
NUMBER = _plain("float", _is_number)
FLAG = _plain("bool", lambda value: isinstance(value, bool))
OBJECT = _plain("object", lambda value: isinstance(value, Mapping))


def optional(kind: Kind) -> Kind:
    """Or null, which is None."""
    name = f"{kind.name} or null"

    def read(value: Any) -> Any:
        try:
            return None if value is None else kind.read(value)
        except WrongTypeError as error:
            raise WrongTypeError(error.value, name if not error.place else error.wanted, error.place) from None

    return Kind(name, read, lambda value: None if value is None else kind.write(value), kind.part)


def many(kind: Kind, length: int | None = None) -> Kind:
    """A list, which is a tuple."""
    inner = f"({kind.name})" if " or " in kind.name else kind.name
    name = f"list of {inner}" if length is None else f"list of {length} {inner}"

    def read(value: Any) -> Any:
        if not isinstance(value, list) or length not in (None, len(value)):
            raise WrongTypeError(value, name)
        found = []
        for place, entry in enumerate(value):
            try:
                found.append(kind.read(entry))
            except WrongTypeError as error:
                raise WrongTypeError(error.value, error.wanted, f"[{place}]{error.place}") from None
        return tuple(found)

    return Kind(name, read, lambda value: [kind.write(entry) for entry in value], kind.part)


def by_name(kind: Kind) -> Kind:
    """An object whose keys are data, not fields."""
    name = f"object of {kind.name}"

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise WrongTypeError(value, name)
        found = {}
        for key, entry in value.items():
            try:
                found[key] = kind.read(entry)
            except WrongTypeError as error:
                raise WrongTypeError(error.value, error.wanted, f".{key}{error.place}") from None
        return found

    return Kind(name, read, lambda value: {key: kind.write(entry) for key, entry in value.items()}, kind.part)


def part(kind: type, write: Callable[[Any], dict[str, Any]] = written_object) -> Kind:
    """A stored object within another."""
    return Kind("object", lambda value: read_object(kind, value), write, kind)


def text_or_empty() -> Kind:
    """Text that is null on disk where it is empty."""
    inner = optional(TEXT)
    return Kind(inner.name, lambda value: inner.read(value) or "", lambda value: value or None)
