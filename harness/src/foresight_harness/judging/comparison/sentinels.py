"""Sentinels: the few numbers that may turn a change red. Everything else only warns."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.comparison.matching import Key

NAME = "sentinels.toml"
FIELDS = ("candidate", "suite", "dataset", "metric")
TABLES = ("sentinel", "tolerance", "must_find", "any_machine")


@dataclass(frozen=True)
class Sentinels:
    """Patterns of sentinel numbers, and tolerances by metric."""

    patterns: tuple[Mapping[str, str], ...] = ()
    tolerances: Mapping[str, float] = ()  # type: ignore[assignment]
    must_find: Mapping[str, float] = ()  # type: ignore[assignment]
    """Metric -> difference that a comparison must be able to show; one that is not is named."""
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

    def wanted(self, metric: str) -> float | None:
        """The difference of a metric that must be found; None where none is named."""
        return dict(self.must_find).get(metric)


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
    metrics to the least difference that counts, ``[must_find]`` to the difference that the pictures must be enough for;
    ``any_machine = true`` compares across unlike machines.

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
    if unread := sorted(set(content) - set(TABLES)):  # a slip in a name would gate by nothing, and say so nowhere
        raise UsageError(f"sentinels {path}: unknown table {unread[0]!r}; use {', '.join(TABLES)}")
    patterns = content.get("sentinel", [])
    if not isinstance(patterns, list) or not patterns:
        raise UsageError(f"sentinels {path} holds no [[sentinel]] table with {', '.join(FIELDS)}")
    for number, pattern in enumerate(patterns, start=1):
        unknown = sorted(set(pattern) - set(FIELDS) - {"comment"})
        if unknown or not set(pattern) & set(FIELDS):
            named = f"unknown key {unknown[0]!r}" if unknown else "no key"
            raise UsageError(f"sentinels {path}, table {number}: {named}; use {', '.join(FIELDS)}")
    tolerances = _numbers(path, content, "tolerance")
    must_find = _numbers(path, content, "must_find")
    for metric, value in must_find.items():
        if value <= tolerances.get(metric, 0.0):
            raise UsageError(
                f"sentinels {path}: must_find of {metric} is {value:g}, and up to its tolerance of "
                f"{tolerances.get(metric, 0.0):g} nothing is found"
            )
    any_machine = content.get("any_machine", False)
    if not isinstance(any_machine, bool):
        raise UsageError(f"sentinels {path}: any_machine is {any_machine!r}; write true or false")
    globs = tuple({name: str(glob) for name, glob in pattern.items() if name != "comment"} for pattern in patterns)
    return Sentinels(globs, tolerances, must_find, any_machine, str(path))


def _numbers(path: Path, content: Mapping[str, Any], table: str) -> dict[str, float]:
    found = content.get(table, {})
    if not isinstance(found, dict):
        raise UsageError(f"sentinels {path}: {table} is {found!r}; write a [{table}] table of metrics and numbers")
    for metric, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise UsageError(f"sentinels {path}: {table} of {metric} is {value!r}; it must be a number of 0 or more")
    return {str(metric): float(value) for metric, value in found.items()}


def sentinel_file(folders: list[Path]) -> Path | None:
    """The project's own sentinels, beside its benchmarks."""
    return next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)
