"""The rungs of a search: how each scores candidates, and how many it keeps. Named in a matrix, or the default ones."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foresight_harness.contracts.errors import UsageError

CLOSED_FORM, STEPS, SEEDS, RACE = "closed_form", "steps", "seeds", "race"
KINDS: Mapping[str, str] = {
    CLOSED_FORM: "each stream alone, without training",
    STEPS: "trained fits of few steps",
    SEEDS: "trained fits of several seeds",
    RACE: "fits in full, compared picture by picture on test pictures",
}
"""Kinds of rungs, in the order in which they may stand."""
NARROWING = (CLOSED_FORM, STEPS, SEEDS)
"""Kinds that look at a held-out part of the training pictures and guarantee nothing."""
TABLE_KEYS = {"suite", "metric", "dataset", "rung"}
RUNG_KEYS = {
    CLOSED_FORM: {"kind", "keep", "suite", "metric"},
    STEPS: {"kind", "keep", "steps"},
    SEEDS: {"kind", "keep", "steps", "seeds"},
    RACE: {"kind", "pictures"},
}
LEAST = 2
"""Candidates, or streams, that a rung keeps at least: a search of one is no search."""
LOOK = 0.25
"""Share of the test pictures of the first look of the default race."""
LOOK_PICTURES = 64
"""Test pictures below which such a look tells nothing apart."""


@dataclass(frozen=True)
class Keep:
    """How many of those that enter a rung it keeps: a number or a share, never fewer than ``LEAST``."""

    count: int | None = None
    share: float | None = None

    def of(self, entering: int) -> int:
        """How many of so many."""
        wanted = self.count if self.count is not None else math.ceil((self.share or 0.0) * entering - 1e-9)
        return min(entering, max(LEAST, wanted))

    def __str__(self) -> str:
        return f"the best {self.count}" if self.count is not None else f"the best {100 * (self.share or 0.0):g} %"


@dataclass(frozen=True)
class Rung:
    """One rung."""

    kind: str
    keep: Keep | None = None
    """None for a race, which keeps whatever it cannot tell to be worse."""
    steps: int | None = None
    """Optimiser steps; None is what the run's own fits have."""
    seeds: int = 1
    """Seeds of trained parts of a narrowing rung; a race has those of the run."""
    pictures: float = 1.0
    """Share of the test pictures that a race looks at."""
    suite: str | None = None
    """Of a closed-form rung: the suite that streams are judged in; None is chosen by what needs no training."""
    metric: str | None = None

    @property
    def name(self) -> str:
        """In a few words."""
        if self.kind == CLOSED_FORM:
            return "streams in closed form"
        if self.kind == RACE:
            share = "every test picture" if self.pictures >= 1 else f"{100 * self.pictures:g} % of the test pictures"
            return f"race on {share}"
        steps = "all steps" if self.steps is None else f"{self.steps} steps"
        return steps if self.kind == STEPS else f"{self.seeds} seeds of {steps}"

    def as_json(self) -> dict[str, Any]:
        """JSON types; ``rung_of`` is the inverse."""
        keep = None if self.keep is None else {"count": self.keep.count, "share": self.keep.share}
        return {**vars(self), "keep": keep}


@dataclass(frozen=True)
class SearchTable:
    """What a matrix says of its search; every part may be absent."""

    suite: str | None = None
    metric: str | None = None
    dataset: str | None = None
    rungs: tuple[Rung, ...] = field(default=())
    """Empty is the default ones."""


EVERY_DEFAULT = SearchTable()
"""Of a matrix that says nothing of its search."""


def rung_of(kept: Mapping[str, Any]) -> Rung:
    """The inverse of ``Rung.as_json``."""
    keep = kept.get("keep")
    return Rung(**{**kept, "keep": None if keep is None else Keep(**keep)})


def default_rungs(steps: int, pictures: int) -> tuple[Rung, ...]:
    """Streams first, then fits of an eighth, a quarter and half of the steps, then the race.

    Args:
        steps: Of the run's own fits.
        pictures: Test pictures of the run.
    """
    found = [Rung(CLOSED_FORM, Keep(share=1 / 3))]
    for part, share in ((8, 0.5), (4, 0.5), (2, 0.375)):
        found.append(Rung(STEPS, Keep(share=share), steps=max(1, round(steps / part))))
    if LOOK * pictures >= LOOK_PICTURES:
        found.append(Rung(RACE, pictures=LOOK))
    return (*found, Rung(RACE))


def read_table(table: object, where: str) -> SearchTable:
    """The table ``[search]`` of a matrix.

    Args:
        table: As TOML gives it.
        where: Begins what is said of a slip.

    Raises:
        UsageError: in one line that names the key or rung and what there is.
    """
    if not isinstance(table, dict):
        raise UsageError(f"{where}: search must be a table, with [[search.rung]] tables in it")
    _refuse_unknown(table, TABLE_KEYS, f"{where}, search")
    named = {key: _text(table, key, f"{where}, search") for key in ("suite", "metric", "dataset")}
    rungs = table.get("rung", [])
    if not isinstance(rungs, list) or not all(isinstance(one, dict) for one in rungs):
        raise UsageError(f"{where}, search: rungs are written as [[search.rung]] tables")
    found = tuple(_read_rung(one, f"{where}, search rung {number}") for number, one in enumerate(rungs, start=1))
    return SearchTable(**named, rungs=whole(found, where))


def whole(rungs: Sequence[Rung], where: str) -> tuple[Rung, ...]:
    """The rungs with the race on every picture at their end, which the run itself is. Raises: UsageError."""
    order = list(KINDS)
    places = [order.index(rung.kind) if rung.kind not in (STEPS, SEEDS) else order.index(STEPS) for rung in rungs]
    if places != sorted(places) or places.count(0) > 1:
        raise UsageError(f"{where}: rungs stand in the order closed_form (once), steps and seeds, race")
    shares = [rung.pictures for rung in rungs if rung.kind == RACE]
    if shares != sorted(set(shares)):
        raise UsageError(f"{where}: each look of the race has more pictures than the one before")
    last = () if not rungs or shares[-1:] == [1.0] else (Rung(RACE),)
    return (*rungs, *last)


def _read_rung(table: Mapping[str, Any], where: str) -> Rung:
    kind = table.get("kind")
    if kind not in KINDS:
        raise UsageError(f"{where}: unknown kind {kind!r}; there are {', '.join(KINDS)}")
    _refuse_unknown(table, RUNG_KEYS[str(kind)], f"{where} ({kind})")
    if kind == RACE:
        return Rung(RACE, pictures=_share(table.get("pictures", "100%"), f"{where}: pictures"))
    return Rung(
        str(kind),
        _keep(table.get("keep"), f"{where}: keep"),
        steps=_count(table, "steps", where, needed=kind == STEPS),
        seeds=_count(table, "seeds", where, needed=kind == SEEDS) or 1,
        suite=_text(table, "suite", where),
        metric=_text(table, "metric", where),
    )


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in sorted(set(table) - known):
        raise UsageError(f"{where}: unknown key {key!r}; it has {', '.join(sorted(known))}")


def _text(table: Mapping[str, Any], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is not None and not (isinstance(value, str) and value):
        raise UsageError(f"{where}: {key} must be a text")
    return value


def _count(table: Mapping[str, Any], key: str, where: str, *, needed: bool) -> int | None:
    value = table.get(key)
    if value is None and not needed:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{where}: {key} is {value!r}; write a whole number of at least 1")
    return value


def _keep(value: object, where: str) -> Keep:
    if isinstance(value, int) and not isinstance(value, bool) and value >= LEAST:
        return Keep(count=value)
    if isinstance(value, str):
        return Keep(share=_share(value, where))
    raise UsageError(f'{where} is {value!r}; write a whole number of at least {LEAST}, or a share such as "40%"')


def _share(value: object, where: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value) if isinstance(value, str) else None
    if match is None or not 0 < float(match[1]) <= 100:
        raise UsageError(f'{where} is {value!r}; write a share above 0 % and up to 100 %, such as "25%"')
    return float(match[1]) / 100
