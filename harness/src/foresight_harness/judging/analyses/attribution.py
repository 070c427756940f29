"""Analysis ``attribution``: what does the choice of encoder, tap, enhancer and fusion make of a score?

Only candidates that differ in one choice and in nothing else are compared, so an effect is never another's in disguise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from foresight_harness.judging.analyses.boards import Aligned, Board, Design, aligned, boards, weights_caveat
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics.hierarchical import hierarchical_mean
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.running.run_folder.run_data import RunData

AXES = ("encoder", "tap", "enhancer", "fusion")
COLUMNS = (
    Column("metric", "metric"),
    Column("suite", "suite"),
    Column("probe", "probe"),
    Column("decoder", "decoder"),
    Column("dataset", "data set"),
    Column("axis", "choice"),
    Column("level", "taken"),
    Column("effect", "effect"),
    Column("better", "better"),
    Column("seed_spread", "spread between seeds"),
    Column("beyond_seeds", "beyond the seeds"),
    Column("candidates", "candidates"),
)


class _Effect(NamedTuple):
    """Main effect of one level of one axis, sample by sample."""

    level: str
    values: Floats
    """Difference to the mean of the levels that it was compared with. [S, n]"""
    candidates: int
    """Candidates that it was computed from."""


def analyse(run: RunData) -> Analysis | None:
    """Attribute every metric with per-sample values; None where no two candidates differ in one choice alone."""
    rows: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    skipped: list[str] = []
    for board in boards(run):
        known = aligned(run, board)
        if known is None:
            skipped.append(board.title)
            continue
        spread = seed_spread(known)
        for axis in AXES:
            effects = main_effects(known.values, axis)
            rows += [_row(board, axis, effect, known.groups, spread) for effect in effects]
            if effects:
                shares.append(_share(board, axis, known, effects))
    if not rows:
        return None
    caveats = [
        "An effect is the difference to the mean of the levels that it was compared with, over candidates that are "
        "equal in everything else; candidates without such a partner say nothing here. Encoders are compared by the "
        "mean over the taps that were scored of each.",
        "Shares need not add to 1: choices interact, and not every combination was scored.",
    ]
    if all(row["seed_spread"] is None for row in rows):
        caveats.append("No candidate was fitted with several seeds, so the spread between seeds is not known.")
    caveats += weights_caveat(
        [record for board in boards(run) for record in board.records], "effects describe this run"
    )
    if skipped:
        caveats.append(f"Without per-sample values, and so left out: {', '.join(skipped[:3])} ({len(skipped)} in all).")
    return Analysis(
        kind="attribution",
        form=2,
        title="What makes the difference?",
        finding=_finding(rows, shares),
        caveats=tuple(caveats),
        inputs={
            "suites": sorted({row["suite"] for row in rows}),
            "axes": list(AXES),
            "method": "matched differences per sample; interval by a bootstrap over seeds and groups of samples",
        },
        columns=COLUMNS,
        rows=tuple(rows),
        further={"shares": shares},
    )


def main_effects(values: Mapping[Design, Floats], axis: str) -> list[_Effect]:
    """Main effect of every level of an axis that has a partner.

    Candidates that agree in every other choice form a context; within it a level is compared with the mean of the
    levels that are there, and contexts are averaged. Over a full factorial these are the classical main effects. Taps
    are nested in encoders: an encoder stands for the mean of its taps within the context.

    Args:
        values: Per-sample values by design. [S, n] each
        axis: One of ``AXES``.
    """
    contexts: dict[tuple[str, ...], dict[str, list[Floats]]] = {}
    for design, found in values.items():
        nested = ("encoder", "tap") if axis == "encoder" else (axis,)
        others = tuple(value for name, value in design._asdict().items() if name not in nested)
        contexts.setdefault(others, {}).setdefault(getattr(design, axis), []).append(found)
    differences: dict[str, list[Floats]] = {}
    counts: dict[str, int] = {}
    for levels in contexts.values():
        if len(levels) < 2:
            continue
        means = {level: np.mean(found, axis=0) for level, found in levels.items()}
        middle = np.mean(list(means.values()), axis=0)
        for level, mean in means.items():
            differences.setdefault(level, []).append(mean - middle)
            counts[level] = counts.get(level, 0) + len(levels[level])
    return [_Effect(level, np.mean(found, axis=0), counts[level]) for level, found in differences.items()]


def seed_spread(known: Aligned) -> float | None:
    """Standard deviation between training seeds of a candidate's mean, pooled; None where none has several seeds."""
    variances = [float(np.nanmean(known.values[design], axis=1).var(ddof=1)) for design in known.trained]
    return float(np.sqrt(np.mean(variances))) if variances else None


def _row(board: Board, axis: str, effect: _Effect, groups: Sequence[str], spread: float | None) -> dict[str, Any]:
    found = hierarchical_mean(effect.values, groups)
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    better = None
    if low is not None and high is not None and (low > 0 or high < 0):
        better = (low > 0) == (board.direction == "higher")
    return {
        "metric": board.metric,
        "suite": board.suite,
        "probe": board.probe,
        "decoder": board.decoder,
        "dataset": board.dataset,
        "axis": axis,
        "level": effect.level,
        "effect": Measured(found.mean, low, high, found.n, found.interval.method if found.interval else None),
        "better": better,
        "seed_spread": spread,
        "beyond_seeds": None if spread is None else bool(abs(found.mean) > 2 * spread),
        "candidates": effect.candidates,
    }


def _share(board: Board, axis: str, known: Aligned, effects: Sequence[_Effect]) -> dict[str, Any]:
    """Share of the variance between the candidates' means that the effects of an axis make up."""
    means = {design: float(np.nanmean(values)) for design, values in known.values.items()}
    centre = float(np.mean(list(means.values())))
    total = sum((mean - centre) ** 2 for mean in means.values())
    sizes = {effect.level: float(np.nanmean(effect.values)) for effect in effects}
    made = sum(sizes.get(getattr(design, axis), 0.0) ** 2 for design in means)
    return {
        "metric": board.metric,
        "suite": board.suite,
        "probe": board.probe,
        "decoder": board.decoder,
        "dataset": board.dataset,
        "axis": axis,
        "share": min(made / total, 1.0) if total > 0 else None,
    }


def _finding(rows: Sequence[Mapping[str, Any]], shares: Sequence[Mapping[str, Any]]) -> str:
    """Which choice matters most, over all boards, and whether it stands out from the seeds."""
    by_axis: dict[str, list[float]] = {}
    for entry in shares:
        if entry["share"] is not None:
            by_axis.setdefault(entry["axis"], []).append(entry["share"])
    sure = sum(row["better"] is not None for row in rows)
    told = f"{sure} of {len(rows)} effects differ from none"
    seeds = [row["beyond_seeds"] for row in rows if row["beyond_seeds"] is not None]
    if seeds:
        told += f", and {sum(seeds)} of {len(seeds)} are more than twice the spread between seeds"
    if not by_axis:
        return f"All candidates score alike; {told}."
    medians = {axis: float(np.median(found)) for axis, found in by_axis.items()}
    first = max(medians, key=lambda axis: medians[axis])
    return (
        f"The {first} makes the largest difference: the median share of the variance between candidates is "
        f"{medians[first]:.2f}; {told}."
    )
