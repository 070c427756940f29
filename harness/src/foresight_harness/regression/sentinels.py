"""Sentinels: the few numbers that may turn a change red. Everything else only warns."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight_harness.errors import UsageError
from foresight_harness.regression.matching import Key

NAME = "sentinels.toml"
FIELDS = ("candidate", "suite", "dataset", "metric")


@dataclass(frozen=True)
class Sentinels:
    """Patterns of sentinel numbers, and tolerances by metric."""

    patterns: tuple[Mapping[str, str], ...] = ()
    tolerances: Mapping[str, float] = ()  # type: ignore[assignment]
    any_machine: bool = False
    """Compare runs of unlike machines too: for numbers that were seen to hold across them."""
    source: str = "built in"

    def watches(self, key: Key) -> bool:
        """Whether a number is a sentinel."""
        values = dict(zip(FIELDS, key[:4], strict=True))
        return any(
            all(fnmatch.fnmatchcase(values[name], pattern[name]) for name in pattern) for pattern in self.patterns
        )

    def tolerance(self, metric: str) -> float:
        """Least difference of a metric that is called anything but noise."""
        return float(dict(self.tolerances).get(metric, 0.0))


DEFAULT = Sentinels(
    patterns=(
        {"suite": "spatial", "metric": "iou"},
        {"suite": "reconstruction", "metric": "psnr"},
        {"suite": "temporal", "metric": "direction_accuracy"},
    )
)
"""Where a project has written none: one number a suite and candidate."""


def read_sentinels(path: Path | None) -> Sentinels:
    """Sentinels of a TOML file; the built-in ones where ``path`` is None.

    ``[[sentinel]]`` tables hold globs for ``candidate``, ``suite``, ``dataset``, ``metric``; ``[tolerance]`` maps
    metrics to the least difference that counts; ``any_machine = true`` compares across unlike machines.

    Raises:
        UsageError: naming the file and what is wrong with it.
    """
    if path is None:
        return DEFAULT
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"sentinels {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"sentinels {path} is not valid TOML: {error}") from error
    patterns = content.get("sentinel", [])
    if not isinstance(patterns, list) or not patterns:
        raise UsageError(f"sentinels {path} holds no [[sentinel]] table with {', '.join(FIELDS)}")
    for number, pattern in enumerate(patterns, start=1):
        unknown = sorted(set(pattern) - set(FIELDS) - {"comment"})
        if unknown or not set(pattern) & set(FIELDS):
            named = f"unknown key {unknown[0]!r}" if unknown else "no key"
            raise UsageError(f"sentinels {path}, table {number}: {named}; use {', '.join(FIELDS)}")
    tolerances: Any = content.get("tolerance", {})
    for metric, value in tolerances.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise UsageError(f"sentinels {path}: tolerance of {metric} is {value!r}; it must be a number of 0 or more")
    any_machine = content.get("any_machine", False)
    if not isinstance(any_machine, bool):
        raise UsageError(f"sentinels {path}: any_machine is {any_machine!r}; write true or false")
    globs = tuple({name: str(glob) for name, glob in pattern.items() if name != "comment"} for pattern in patterns)
    return Sentinels(globs, {str(metric): float(value) for metric, value in tolerances.items()}, any_machine, str(path))


def sentinel_file(folders: list[Path]) -> Path | None:
    """The project's own sentinels, beside its benchmarks."""
    return next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)
