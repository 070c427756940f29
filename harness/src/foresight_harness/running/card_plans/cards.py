"""Cards: peak arithmetic, bandwidth and memory, from a file of the harness or one of the user's. Imports no torch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from foresight_harness.contracts.devices import KNOWN
from foresight_harness.contracts.errors import UsageError

FILE = Path(__file__).with_name("cards.toml")


@dataclass(frozen=True)
class Card:
    """Figures of a datasheet."""

    name: str
    bfloat16_tflops: float
    """Peak of dense products of bfloat16 and float16."""
    float32_tflops: float
    bandwidth_gb_s: float
    """Of its memory, in 10^9 bytes a second."""
    memory_gb: float
    """10^9 bytes."""
    seen_as: tuple[str, ...] = ()
    """Parts of the name that torch gives such a card."""
    source: str = ""

    def flops(self, dtype: str) -> float:
        """Peak operations a second."""
        return 1e12 * (self.float32_tflops if dtype == "float32" else self.bfloat16_tflops)

    def is_one_of(self, names: object) -> bool:
        """Whether one of the names that torch gave the cards of a machine is this card's."""
        known = names if isinstance(names, list | tuple) else ()
        return any(part.lower() in str(name).lower() for name in known for part in self.seen_as)


def is_card(device: str | None) -> bool:
    """Whether ``--device`` names something else than a device of this machine."""
    return device is not None and not KNOWN.fullmatch(device)


def card_of(asked: str) -> Card:
    """The card of a name, or ``NAME=FILE``.

    Raises:
        UsageError: in one line with the known names, or with what is wrong with the file.
    """
    name, given, file = asked.partition("=")
    if given:
        content = _read(Path(file).expanduser())
        return _card(name, content.get(name, content), file)
    known = _read(FILE)
    if name not in known:
        raise UsageError(
            f"--device {asked}: no such card; there are {', '.join(known)}, or NAME=FILE with {', '.join(_needed())}"
        )
    return _card(name, known[name], FILE.name)


def _needed() -> list[str]:
    return [field.name for field in fields(Card) if field.type == "float"]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--device: {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--device: {path} is not valid TOML: {error}") from error


def _card(name: str, content: object, place: str) -> Card:
    values: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
    for key in _needed():
        value = values.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e9:
            raise UsageError(f"--device {name}: {place} lacks {key} above 0; it needs {', '.join(_needed())}")
    seen = values.get("seen_as", [name])
    return Card(
        name=name,
        **{key: float(values[key]) for key in _needed()},
        seen_as=tuple(map(str, seen if isinstance(seen, list) else [seen])),
        source=str(values.get("source", place)),
    )
