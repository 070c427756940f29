"""Analysis ``enhancement``: is a sharper grid worth more than interpolating, or than a larger picture into the encoder?

Each enhancer is compared, picture by picture, with every baseline on the same stream, fusion and decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from foresight_harness.judging.analyses.boards import Board, Design, aligned, boards, weights_caveat
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics import paired_differences
from foresight_harness.parts.statistics.hierarchical import hierarchical_mean
from foresight_harness.parts.statistics.multiple import holm
from foresight_harness.running.run_folder.run_data import RunData

BASELINES = ("identity", "nearest", "bilinear", "nearest_x4", "bilinear_x4")
LARGER = "larger2:"
MEAN = "pooled2:"
OF_FOUR = "2x2 mean"
COLUMNS = (
    Column("suite", "suite"),
    Column("metric", "metric"),
    Column("dataset", "data set"),
    Column("stream", "stream"),
    Column("enhancer", "enhancer"),
    Column("baseline", "against"),
    Column("gain", "gain"),
    Column("p_adjusted", "p (Holm)"),
    Column("verdict", "verdict"),
)
ALPHA = 0.05


def analyse(run: RunData) -> Analysis | None:
    """Compare every enhancer with its baselines; None where no run holds both on one stream."""
    rows: list[dict[str, Any]] = []
    for board in boards(run):
        rows += _rows(run, board)
    if not rows:
        return None
    caveats = [
        "A gain is positive where the enhancer is better, whatever the metric's direction. Enhancer and baseline are "
        "read on grids of their own size; compare like with like: x2 with bilinear, x4 with bilinear_x4.",
        "A larger picture costs encoder time; see suite efficiency.",
    ]
    caveats += weights_caveat([record for board in boards(run) for record in board.records], "gains describe this run")
    return Analysis(
        kind="enhancement",
        form=2,
        title="Does enhancing pay?",
        finding=_finding(rows),
        caveats=tuple(caveats),
        inputs={
            "baselines": [*BASELINES, LARGER + "NAME", *((MEAN + "NAME",) if _has_mean(rows) else ())],
            "method": "paired differences per sample; interval by a bootstrap over seeds and groups of samples, p by "
            "sign flips of the mean over seeds, Holm over the rows of a board",
        },
        columns=COLUMNS,
        rows=tuple(rows),
    )


def baselines_of(design: Design, known: Mapping[Design, Any]) -> dict[str, Design]:
    """The baselines of an enhanced candidate that were scored: other enhancers on its stream, a larger picture, and the
    mean of 2x2 tokens, which a module in the place of a merger must beat."""
    larger = "+".join(map(_larger, design.tap.split("+")))
    encoders = "+".join(map(_larger, design.encoder.split("+")))
    wanted = {name: design._replace(enhancer=name) for name in BASELINES}
    wanted["larger picture"] = design._replace(encoder=encoders, tap=larger, enhancer="identity")
    wanted[OF_FOUR] = design._replace(encoder=_mean(design.encoder), tap=_mean(design.tap), enhancer="identity")
    return {name: found for name, found in wanted.items() if found in known and found != design}


def _larger(name: str) -> str:
    """The encoder itself is fed the larger picture: ``pooled4:vlm@last`` becomes ``pooled4:larger2:vlm@last``."""
    encoder, at, tap = name.partition("@")
    variants, colon, model = encoder.rpartition(":")
    return variants + colon + LARGER + model + at + tap


def _mean(names: str) -> str:
    return "+".join(MEAN + name for name in names.split("+"))


def _has_mean(rows: list[dict[str, Any]]) -> bool:
    """Named only where it was scored: what runs without it conclude stays what it was, to the letter."""
    return any(row["baseline"] == OF_FOUR for row in rows)


def _rows(run: RunData, board: Board) -> list[dict[str, Any]]:
    found = aligned(run, board)
    if found is None:
        return []
    pairs = [
        (design, name, baseline)
        for design in found.values
        if design.enhancer not in BASELINES
        for name, baseline in baselines_of(design, found.values).items()
    ]
    if not pairs:
        return []
    sign = 1.0 if board.direction == "higher" else -1.0
    gains = [sign * (found.values[design] - found.values[baseline]) for design, _, baseline in pairs]
    means = np.stack([gain.mean(axis=0) for gain in gains], axis=1)
    tested = paired_differences(means, np.zeros((len(means), 1)), found.groups)
    adjusted = holm([entry.p_value for entry in tested])
    rows = []
    for (design, name, _), gain, p in zip(pairs, gains, adjusted, strict=True):
        mean = hierarchical_mean(gain, found.groups)
        low, high = (mean.interval.low, mean.interval.high) if mean.interval else (None, None)
        rows.append(
            {
                "suite": board.suite,
                "metric": board.metric,
                "dataset": board.dataset,
                "stream": design.tap,
                "enhancer": design.enhancer,
                "baseline": name,
                "gain": Measured(mean.mean, low, high, mean.n, mean.interval.method if mean.interval else None),
                "p_adjusted": None if np.isnan(p) else float(p),
                "verdict": _verdict(low, high, float(p)),
            }
        )
    return rows


def _verdict(low: float | None, high: float | None, p: float) -> str:
    """Better or worse only where interval and test agree."""
    if low is None or high is None or not p <= ALPHA or low <= 0 <= high:
        return "no difference shown"
    return "better" if low > 0 else "worse"


def _finding(rows: list[dict[str, Any]]) -> str:
    """How often enhancers beat plain interpolation, and a larger picture."""
    told = []
    for label, names in (("bilinear", ("bilinear", "bilinear_x4")), ("a larger picture", ("larger picture",))):
        against = [row["verdict"] for row in rows if row["baseline"] in names]
        if against:
            told.append(f"better than {label} in {against.count('better')} of {len(against)} comparisons")
    return f"Enhancers are {' and '.join(told)}." if told else "No enhancer stands beside bilinear or a larger picture."
