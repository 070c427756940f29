"""Boards that look alike and are not one ranking: which choices differ, and what each board is called for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from foresight_reports.board import Board, Group
from foresight_reports.reading import Run

LONGEST = 60


class Refusal(NamedTuple):
    """Boards of one suite, data set and probe that are not ranked together, and the choices that differ."""

    boards: tuple[Board, ...]
    differences: tuple[str, ...]


def refusals(boards: Sequence[Board], runs: Sequence[Run]) -> list[Refusal]:
    """Families of boards that a reader could take for one, each refused with the reason."""
    return [
        Refusal(tuple(family), tuple(_said(name, values) for name, values in _differing(family, runs).items()))
        for family in _families(boards)
    ]


def told_apart(boards: Sequence[Board], runs: Sequence[Run]) -> list[Board]:
    """The boards, those of one family each named by what sets it apart."""
    names: dict[Group, str] = {}
    for family in _families(boards):
        differing = _differing(family, runs)
        for place, board in enumerate(family):
            names[board.group] = ", ".join(f"{name} {_short(values[place])}" for name, values in differing.items())
    return [replace(board, distinction=names.get(board.group, "")) for board in boards]


def _families(boards: Sequence[Board]) -> list[list[Board]]:
    found: dict[tuple[object, ...], list[Board]] = {}
    for board in boards:
        found.setdefault((board.group.suite, board.group.dataset, board.group.probe), []).append(board)
    return [family for family in found.values() if len(family) > 1]


def _differing(family: Sequence[Board], runs: Sequence[Run]) -> dict[str, list[object]]:
    return _unequal([_facts(board.group, runs) for board in family])


def _facts(group: Group, runs: Sequence[Run]) -> dict[str, object]:
    """Everything that makes a group what it is; a protocol that no manifest lists is its own only fact."""
    facts: dict[str, object] = {"split": group.split, "data": group.fingerprint[:12], "machine": group.hardware[:12]}
    choices = next((found for run in runs if (found := run.choices(group.protocol))), None)
    if choices is None:
        return {**facts, "protocol": f"{group.protocol[:12]} (not listed in the manifest)"}
    # The data set's fingerprint often stands among the choices too: said once is enough.
    return {**facts, **{name: value for name, value in choices.items() if not name.startswith("fingerprint")}}


def _unequal(facts: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    names = list(dict.fromkeys(name for each in facts for name in each))
    listed = not any("protocol" in each for each in facts)
    values = {
        name: [each.get(name) for each in facts]
        for name in names
        # Beside a protocol without a list, every choice of the others would seem to differ.
        if listed or name in ("split", "data", "machine", "protocol")
    }
    return {name: found for name, found in values.items() if len({str(value) for value in found}) > 1}


def _said(name: str, values: Sequence[object]) -> str:
    distinct = list(dict.fromkeys(_short(value) for value in values))
    return f"{name}: {', '.join(distinct[:-1])} and {distinct[-1]}"


def _short(value: object) -> str:
    written = "not set" if value is None else str(value)
    return written if len(written) <= LONGEST else written[: LONGEST - 3] + "..."
