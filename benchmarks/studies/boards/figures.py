"""From counts to figures and criteria."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from foresight_harness.parts.statistics.multiple import holm
from scipy.stats import beta, binomtest

FALSE, COVERED, POWER, SETTLED, ALPHA = 0.05, 0.93, 0.85, 0.75, 0.05
PROMISED_FROM = {"decibels, n 8": 24}
"""Cells whose coverage is told and not promised: values without a range say too little in fewer samples than that."""


class Cell(NamedTuple):
    """What was tried, and what was counted."""

    name: str
    count: Mapping[str, float]

    @property
    def tries(self) -> int:
        """Repeats that said something."""
        return int(self.count["tries"])

    def hits(self, key: str = "hits") -> int:
        """How often it happened."""
        return int(self.count[key])

    def rate(self, key: str = "hits") -> float:
        """Share of the tries."""
        return self.count[key] / self.tries

    def mean(self, key: str) -> float:
        """Of a value that repeats have added up."""
        return self.rate(key)


def within(cells: list[Cell], bound: float, *, at_most: bool, key: str = "hits") -> bool:
    """Whether no cell is beyond the bound by a one-sided exact test, Holm over all of them."""
    side = "greater" if at_most else "less"
    return bool(holm([binomtest(cell.hits(key), cell.tries, bound, side).pvalue for cell in cells]).min() > ALPHA)


def pooled(cells: list[Cell], key: str = "hits") -> float:
    """Rate of all cells together."""
    return sum(cell.hits(key) for cell in cells) / sum(cell.tries for cell in cells)


def upper_bound(cells: list[Cell]) -> float:
    """Of the rate of all cells together, one-sided 95 %."""
    hits, tries = sum(cell.hits() for cell in cells), sum(cell.tries for cell in cells)
    return float(beta.ppf(1 - ALPHA, hits + 1, tries - hits)) if hits < tries else 1.0


def promised_plans(cells: list[Cell]) -> list[Cell]:
    """Plans from first samples that decide anything at all, and that left something open often enough."""
    return [cell for cell in cells if not cell.name.endswith("first 8") and cell.tries >= 20]


def judged(found: Mapping[str, list[Cell]]) -> dict[str, bool]:
    """Whether each criterion is met."""
    boards, covered = found["boards"], [cell for cell in found["coverage"] if cell.name not in PROMISED_FROM]
    plans, precision = promised_plans(found["needed_n"]), found["average precision"]
    two = [cell for cell in found["power"] if cell.name.startswith("2 ")]
    at_eight = [cell for cell in precision if cell.name.endswith("n 8")]
    return {
        "false separations": within(boards, FALSE, at_most=True) and upper_bound(boards) <= FALSE,
        "coverage": within(covered, COVERED, at_most=False),
        "coverage of the leader": within(boards, COVERED, at_most=False, key="leader_covered"),
        "power": all(cell.rate() >= POWER for cell in two),
        "coverage of a true difference": within(found["power"], COVERED, at_most=False, key="covered"),
        "needed_n": pooled(plans) >= SETTLED and within(plans, SETTLED, at_most=False),
        "average precision: coverage": within(precision, COVERED, at_most=False),
        "average precision: bias": all(
            abs(cell.mean("freed") - cell.mean("true")) <= abs(cell.mean("plain") - cell.mean("true")) / 2
            for cell in at_eight
        ),
        "average precision: false separations": within(found["average precision: boards"], FALSE, at_most=True),
    }


def tables(found: Mapping[str, list[Cell]]) -> dict[str, Any]:
    """Rates by group and cell."""
    shown: dict[str, Any] = {}
    for group, cells in found.items():
        rates = [cell.rate() for cell in cells if cell.tries]
        extremes = {"pooled": round(pooled(cells), 4), "least": round(min(rates), 4), "most": round(max(rates), 4)}
        shown[group] = {**extremes, "cells": {cell.name: _row(cell) for cell in cells}}
    if "boards" in found:
        shown["boards"]["pooled_upper_bound"] = round(upper_bound(found["boards"]), 4)
        shown["boards"]["leader_covered_least"] = round(min(cell.rate("leader_covered") for cell in found["boards"]), 4)
    return shown


def _row(cell: Cell) -> dict[str, float]:
    if not cell.tries:
        return {"tries": 0}
    row = {"rate": round(cell.rate(), 4), "tries": cell.tries}
    if "leader_covered" in cell.count:
        row["leader_covered"] = round(cell.rate("leader_covered"), 4)
    if "covered" in cell.count:
        row["covered"] = round(cell.rate("covered"), 4)
    if cell.count.get("before_tries"):
        row["before"] = round(cell.count["before_hits"] / cell.count["before_tries"], 3)
    if "needed" in cell.count:
        row["needed_on_average"] = round(cell.mean("needed"))
    row |= {key: round(cell.mean(key), 4) for key in ("true", "plain", "freed") if key in cell.count}
    return row
