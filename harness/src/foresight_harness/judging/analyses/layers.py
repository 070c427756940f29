"""Analysis ``layers``: scores by relative depth; the best tap, chosen on one half of the pictures, read on the other.

The best of many taps looks better than it is on the pictures that chose it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.boards import Board, Design, aligned, boards
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.judging.analyses.objectives import compared, sentence
from foresight_harness.parts.statistics.bootstrap import cluster_of
from foresight_harness.parts.statistics.hierarchical import hierarchical_mean
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.running.run_folder.run_data import RunData

LEAST_TAPS = 3
"""Two taps are a comparison; a profile has a shape from three on."""
HALVES = ("first half", "second half")

COLUMNS = (
    Column("encoder", "encoder"),
    Column("tap", "tap"),
    Column("depth", "relative depth"),
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("metric", "metric"),
    Column("probe", "probe"),
    Column("pipeline", "rest of the pipeline"),
    Column("measured", "measured"),
)


class _Profile(NamedTuple):
    """One encoder at several taps, the same in everything else."""

    encoder: str
    pipeline: str
    records: Mapping[Design, Record]


def analyse(run: RunData) -> Analysis | None:
    """Profile every encoder that was scored at several taps of one pipeline; None where there is none."""
    rows: list[dict[str, Any]] = []
    best: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []
    for board in boards(run):
        known = aligned(run, board)
        if known is not None:
            pairs = compared(board, known)
            # The sentence is about the first: a metric that its suite ranks by.
            suite = run.suites.get(board.suite)
            asked = [*pairs, *asked] if suite and board.metric in suite.ranked_by else [*asked, *pairs]
        for profile in _profiles(board):
            rows += [_row(board, profile, record) for record in profile.records.values()]
            if known is not None:
                best += _best(board, profile, known.values, known.groups)
    if not rows:
        return None
    return Analysis(
        kind="layers",
        title="Where in the encoder?",
        finding=" ".join(filter(None, (sentence(asked), _finding(best, rows)))),
        caveats=(
            "Depth counts the encoder's own taps from 0 (first) to 1 (last): equal depths of two encoders are not "
            "equal amounts of computation.",
            "The best tap is chosen on half of the pictures and reported on the other, once each way; where the two "
            "halves choose differently, the choice is within noise.",
        ),
        inputs={
            "suites": sorted({row["suite"] for row in rows}),
            "least_taps": LEAST_TAPS,
            "halves": "groups of samples in the order of their names' sha256, cut in the middle",
        },
        columns=COLUMNS,
        rows=tuple(rows),
        further={"best": best} | ({"objectives": asked} if asked else {}),
    )


def halves(groups: Sequence[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Two disjoint halves of the samples that share no group, the same whenever the groups are; None below two groups.

    Returns:
        Which samples belong to each. [n] bool
    """
    names = sorted(set(groups), key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(names) < 2:
        return None
    chosen = set(names[: (len(names) + 1) // 2])
    first = np.array([group in chosen for group in groups])
    return first, ~first


def _profiles(board: Board) -> list[_Profile]:
    """Encoders at one tap each; joined and extracted streams have no single depth."""
    found: dict[tuple[str, str], dict[Design, Record]] = {}
    for design, record in board.by_design.items():
        if _depth(record) is not None:
            pipeline = "/".join(part for part in (design.enhancer, design.fusion, design.decoder) if part)
            found.setdefault((design.encoder, pipeline), {})[design] = record
    return [_Profile(*key, _by_depth(records)) for key, records in found.items() if len(records) >= LEAST_TAPS]


def _by_depth(records: Mapping[Design, Record]) -> dict[Design, Record]:
    return dict(sorted(records.items(), key=lambda item: _depth(item[1]) or 0.0))


def _depth(record: Record) -> float | None:
    depths = record.axes.depths
    return depths[0] if len(depths) == 1 else None


def _tap(record: Record) -> str:
    return record.axes.taps[0]


def _row(board: Board, profile: _Profile, record: Record) -> dict[str, Any]:
    measured = Measured.of(record)
    return {
        "encoder": profile.encoder,
        "tap": _tap(record),
        "depth": _depth(record),
        "suite": board.suite,
        "dataset": board.dataset,
        "metric": board.metric,
        "probe": board.probe,
        "pipeline": profile.pipeline,
        "measured": measured,
    }


def _best(
    board: Board, profile: _Profile, values: Mapping[Design, Floats], groups: Sequence[str]
) -> list[dict[str, Any]]:
    """The best tap by each half, with its score on the other one."""
    parts = halves(groups)
    if parts is None:
        return []
    sign = 1.0 if board.direction == "higher" else -1.0
    entries = []
    for name, (chosen_on, reported_on) in zip(HALVES, (parts, parts[::-1]), strict=True):
        scores = {design: _mean(values[design][:, chosen_on]) for design in profile.records}
        defined = {design: score for design, score in scores.items() if not np.isnan(score)}
        if not defined:
            continue
        design = max(defined, key=lambda one: sign * defined[one])
        kept = [group for group, inside in zip(groups, reported_on, strict=True) if inside]
        found = hierarchical_mean(values[design][:, reported_on], kept)
        ends = (found.interval.low, found.interval.high, found.interval.method) if found.interval else (None,) * 3
        entries.append(
            {
                "encoder": profile.encoder,
                "pipeline": profile.pipeline,
                "suite": board.suite,
                "dataset": board.dataset,
                "metric": board.metric,
                "probe": board.probe,
                "tap": _tap(profile.records[design]),
                "depth": _depth(profile.records[design]),
                "of": len(profile.records),
                "chosen_on": name,
                "on_chosen": defined[design],
                "measured": Measured(found.mean, ends[0], ends[1], found.n, ends[2]),
                "groups": int(cluster_of(kept).max(initial=-1)) + 1,
            }
        )
    return entries


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def _finding(best: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    profiles = len({(row["encoder"], row["pipeline"], row["suite"], row["dataset"], row["metric"]) for row in rows})
    if not best:
        return f"{profiles} profiles; no best tap is chosen, because the pictures cannot be halved."
    pairs: dict[tuple[object, ...], list[str]] = {}
    for entry in best:
        key = tuple(entry[name] for name in ("encoder", "pipeline", "suite", "dataset", "metric", "probe"))
        pairs.setdefault(key, []).append(entry["tap"])
    agreed = [taps for taps in pairs.values() if len(taps) == 2 and taps[0] == taps[1]]
    return (
        f"In {len(agreed)} of {len(pairs)} profiles both halves of the pictures choose the same tap; elsewhere the "
        "best tap is within noise."
    )
