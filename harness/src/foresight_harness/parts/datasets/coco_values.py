"""Numbers, flags and ids of COCO files, in every spelling that exporters give them."""

from __future__ import annotations

import math
from typing import Any

CROWD = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False, "none": False}
"""Spellings of ``iscrowd`` as text."""


def number_of(value: Any) -> float | None:
    """A finite number, also one that is written as text; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def numbers_of(values: Any) -> tuple[float, ...] | None:
    """A list of finite numbers, also as text; None where one is none."""
    if not isinstance(values, list):
        return None
    if {float, int}.issuperset(map(type, values)) and math.isfinite(sum(values)):
        return tuple(values)
    found = [number_of(value) for value in values]
    return None if None in found else tuple(number for number in found if number is not None)


def whole_of(value: Any) -> int | None:
    """A whole number, also as ``96.0`` or as text; None for anything else."""
    number = number_of(value)
    return int(number) if number is not None and number == int(number) else None


def key_of(value: Any) -> str:
    """An id as text: ``7``, ``7.0`` and ``"7"`` are one."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def crowd_of(value: Any) -> bool | None:
    """Whether an annotation is a crowd: number, text, true or false; no where nothing is said. None where unclear."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    return CROWD[text] if text in CROWD else crowd_of(number_of(text)) if number_of(text) is not None else None
