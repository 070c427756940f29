"""Two candidates of a board: difference, corrected p, pictures won, tied and lost, and the worst ones for either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.envelope import Column, Measured
from foresight_harness.judging.ranking.judged import Judged
from foresight_harness.judging.ranking.saying import verdict_of
from foresight_harness.parts.statistics.families import Comparison

WORST = 3
"""Pictures that are named for either side."""
OTHERS = 12
"""Candidates that the leader of a board is set against in a table; every pair can be asked for."""
COLUMNS = (
    *(Column("suite", "suite"), Column("dataset", "data set"), Column("metric", "metric"), Column("probe", "probe")),
    *(Column("candidate", "candidate"), Column("other", "against"), Column("verdict", "it is")),
    *(Column("difference", "difference"), Column("p", "p, corrected for the board")),
    *(Column("won", "pictures won"), Column("tied", "tied"), Column("lost", "lost")),
    *(Column("worst", "furthest behind on"), Column("best", "furthest ahead on")),
)


class Picture(NamedTuple):
    """One sample, and what either side scored on it (mean over seeds)."""

    sample: str
    first: float
    second: float


@dataclass(frozen=True)
class HeadToHead:
    """The first candidate against the second."""

    first: Record
    second: Record
    comparison: Comparison
    """First minus second; p corrected within the family of the board."""
    verdict: str
    n: int
    method: str
    won: int | None
    """Samples on which the first is better; None of a metric without values a sample."""
    tied: int | None
    lost: int | None
    worst: tuple[Picture, ...]
    """Where the first is furthest behind."""
    best: tuple[Picture, ...]
    """Where it is furthest ahead."""

    @property
    def sentence(self) -> str:
        """The answer in a line."""
        pair, one = self.comparison, self.first
        probe = f" (probe {one.probe})" if one.probe else ""
        said = f"{one.metric}{probe} on {one.dataset}: {one.candidate} {_WORDS[self.verdict]} {self.second.candidate}"
        if pair.low is not None and pair.high is not None:
            said += f", {pair.difference:+.4f} [{pair.low:+.4f}, {pair.high:+.4f}], corrected p {pair.p_value:.2g}"
        if pair.seeds_unknown and not pair.identical:
            said += ", for one of them was trained with one seed"
        if self.won is not None:
            said += f"; pictures won {self.won}, tied {self.tied}, lost {self.lost}"
        return said + "."

    def row(self) -> dict[str, Any]:
        """As a line of a table."""
        pair, one = self.comparison, self.first
        return {
            **{"suite": one.suite, "dataset": one.dataset, "metric": one.metric, "probe": one.probe},
            **{"candidate": one.candidate, "other": self.second.candidate, "verdict": self.verdict},
            "difference": Measured(pair.difference, pair.low, pair.high, self.n, self.method),
            **{"p": pair.p_value, "won": self.won, "tied": self.tied, "lost": self.lost},
            **{"worst": _written(self.worst), "best": _written(self.best)},
        }


_WORDS: Mapping[str, str] = {
    "better": "is better than",
    "worse": "is worse than",
    "identical": "is identical to",
    "not told apart": "cannot be told from",
    "not told apart: one seed": "cannot be told from",
}


def head_to_head(found: Judged, first: Record, second: Record) -> HeadToHead | None:
    """Set two records of a board against each other; None where they are of no common family (two controls)."""
    pair = found.pair(first, second)
    if pair is None:
        return None
    board, verdict = found.board, verdict_of(found, first, second)
    n, method = (board.n, board.method) if board is not None else (len(found.scores.samples), "")
    if not found.scores.values:
        return HeadToHead(first, second, pair, verdict, n, method, None, None, None, (), ())
    ours, theirs = (_by_sample(found, record) for record in (first, second))
    there = np.flatnonzero(~np.isnan(ours) & ~np.isnan(theirs))
    sign = -1.0 if first.direction == "lower" else 1.0
    lead = sign * (ours[there] - theirs[there])
    order = there[np.argsort(lead, kind="stable")]
    pictures = [Picture(found.scores.samples[place], float(ours[place]), float(theirs[place])) for place in order]
    lost, won = int((lead < 0).sum()), int((lead > 0).sum())
    worst, best = pictures[: min(WORST, lost)], pictures[::-1][: min(WORST, won)]
    return HeadToHead(
        first, second, pair, verdict, n, method, won, len(there) - won - lost, lost, tuple(worst), tuple(best)
    )


def of_leaders(boards: Sequence[Judged]) -> list[HeadToHead]:
    """The leader of each board against the others, best first."""
    found = []
    for board in boards:
        leader = board.leader
        if leader is None:
            continue
        others = [record for record in board.ordered if record is not leader][:OTHERS]
        found += [one for other in others if (one := head_to_head(board, leader, other)) is not None]
    return found


def as_section(found: Sequence[HeadToHead]) -> dict[str, Any]:
    """The common form of a conclusion, to stand within another."""
    told = sum(one.verdict in ("better", "worse") for one in found)
    return {
        "title": "Head to head",
        "finding": f"Leaders are told from {told} of the {len(found)} others that they are set against.",
        "caveats": ["p is corrected for every pair of the board: choosing whom to compare is paid for."],
        "columns": [vars(column) for column in COLUMNS],
        "rows": [{column.key: one.row()[column.key] for column in COLUMNS} for one in found],
    }


def _by_sample(found: Judged, record: Record) -> Any:
    """Mean over seeds. [n]"""
    return found.scores.values[found.scores.records.index(record)].mean(axis=0)


def _written(pictures: Sequence[Picture]) -> str:
    return "; ".join(f"{one.sample} ({one.first:.3g} against {one.second:.3g})" for one in pictures)
