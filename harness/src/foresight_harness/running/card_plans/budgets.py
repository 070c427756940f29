"""GPU hours that the proposals reckon with, beside what a plan is counted to take. Imports no torch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.named_files import by_name

KIND = "budgets"
"""Folder beside matrices and gates."""


@dataclass(frozen=True)
class Budget:
    """One line of a proposal's table."""

    proposal: str
    phase: str
    low_hours: float
    high_hours: float
    card: str | None
    storage_gb: float | None
    document: str
    line: int
    matrices: tuple[str, ...] = ()
    """What the proposal's study scores."""

    def share(self, gpu_hours: float) -> float:
        """Of the larger figure of the budget."""
        return gpu_hours / self.high_hours

    def verdict(self, gpu_hours: float) -> str:
        """In words."""
        if gpu_hours > self.high_hours:
            return f"over it, {gpu_hours / self.high_hours:.1f} times"
        return f"{100 * self.share(gpu_hours):.2g} % of it"


def read_budgets(folders: Sequence[Path]) -> list[Budget]:
    """Every line of every file. Raises: UsageError naming the file and what it lacks."""
    return [budget for _, path in sorted(by_name(folders).items()) for budget in _of_file(path)]


def _of_file(path: Path) -> list[Budget]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        rows: Sequence[Mapping[str, Any]] = content["phase"]
        return [
            Budget(
                proposal=path.stem,
                phase=str(row["name"]),
                low_hours=float(row["gpu_hours"][0]),
                high_hours=float(row["gpu_hours"][-1]),
                card=str(row["card"]) if "card" in row else None,
                storage_gb=float(row["storage_gb"]) if "storage_gb" in row else None,
                document=str(content["document"]),
                line=int(row["line"]),
                matrices=tuple(map(str, content.get("matrices", ()))),
            )
            for row in rows
        ]
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(f"budget {path}: {type(error).__name__}: {error}") from error
