"""Analysis ``proxies``: does a cheap metric order candidates as reconstruction does, so that a gate may stand on it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from foresight_harness.judging.analyses.boards import Board, Design, boards, family_of, untrusted
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics.correlation import rank_correlation, spearman
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.running.run_folder.run_data import Record, RunData

OUTCOME_SUITE = "reconstruction"
LEAST_CANDIDATES = 8
"""Below this the interval of a rank correlation spans nearly everything, and leaving a family out leaves a handful."""
LEAST_LEFT = 4
"""Candidates that must remain when a family is left out."""
LEAST_CORRELATION = 0.5
"""A metric is fit for a gate where the whole interval lies above this, and does so without any one family."""

COLUMNS = (
    Column("proxy", "cheap metric"),
    Column("suite", "suite"),
    Column("probe", "probe"),
    Column("outcome", "outcome"),
    Column("decoder", "decoder"),
    Column("dataset", "data set"),
    Column("candidates", "candidates"),
    Column("correlation", "rank correlation", "", "higher"),
    Column("worst_left_out", "worst without a family", "", "higher"),
    Column("left_out_family", "that family"),
    Column("gateable", "fit for a gate"),
    Column("sentence", "in words"),
)


class _Points(NamedTuple):
    """Two measures of the candidates that have both, oriented so that more is better."""

    proxy: Floats
    outcome: Floats
    families: tuple[str, ...]
    records: tuple[Record, ...]
    """Of both."""


def analyse(run: RunData) -> Analysis | None:
    """Correlate every cheap metric with every measure of reconstruction; None without reconstructions or proxies."""
    found = boards(run)
    outcomes = [board for board in found if board.suite == OUTCOME_SUITE]
    proxies = [board for board in found if board.suite != OUTCOME_SUITE]
    rows = [
        _row(proxy, outcome)
        for outcome in outcomes
        for proxy in proxies
        if proxy.dataset == outcome.dataset and proxy.decoder in (None, outcome.decoder)
    ]
    if not rows:
        return None
    return Analysis(
        kind="proxies",
        title="May a cheap metric stand for reconstruction?",
        finding=_finding(rows),
        caveats=(
            "Points are candidates, and candidates of one family are relatives: read the worst value without a family "
            "beside the interval.",
            f"A metric is called fit where its whole interval lies above {LEAST_CORRELATION:g}, with and without every "
            "family; many pairs are tried at once, so a narrow pass deserves a second run.",
        ),
        inputs={
            "outcomes": sorted({board.metric for board in outcomes}),
            "suites": sorted({board.suite for board in proxies}),
            "least_candidates": LEAST_CANDIDATES,
            "method": "Spearman's rank correlation over candidates, percentile interval from 2,000 resamples of them",
        },
        columns=COLUMNS,
        rows=tuple(rows),
    )


def _row(proxy: Board, outcome: Board) -> dict[str, Any]:
    points = _points(proxy, outcome)
    n = len(points.families)
    row: dict[str, Any] = {
        "proxy": proxy.metric,
        "suite": proxy.suite,
        "probe": proxy.probe,
        "outcome": outcome.metric,
        "decoder": outcome.decoder,
        "dataset": outcome.dataset,
        "candidates": n,
        "gateable": False,
    }
    if n < LEAST_CANDIDATES:
        return row | {
            "sentence": f"{n} candidates have both numbers; {LEAST_CANDIDATES} are needed before one may stand for the "
            "other"
        }
    found = rank_correlation(points.proxy, points.outcome)
    if found.interval is None:
        return row | {"sentence": "one of the two is the same for every candidate, so their order cannot be compared"}
    low, high = found.interval.low, found.interval.high
    worst, family = _worst_left_out(points)
    fit = low >= LEAST_CORRELATION and worst is not None and worst >= LEAST_CORRELATION
    trusted = not untrusted(points.records)
    return row | {
        "correlation": Measured(found.value, low, high, n, found.interval.method),
        "worst_left_out": worst,
        "left_out_family": family,
        "gateable": fit and trusted,
        "sentence": _sentence(proxy, outcome, low, worst, family, trusted),
    }


def _points(proxy: Board, outcome: Board) -> _Points:
    cheap: Mapping[Design, Record] = proxy.by_design
    signs = [1.0 if board.direction == "higher" else -1.0 for board in (proxy, outcome)]
    pairs = []
    for design, record in outcome.by_design.items():
        key = design if proxy.decoder is not None else design._replace(decoder="")
        if key in cheap:
            pairs.append((cheap[key], record))
    return _Points(
        np.array([signs[0] * float(one["value"]) for one, _ in pairs]),
        np.array([signs[1] * float(other["value"]) for _, other in pairs]),
        tuple(family_of(other) for _, other in pairs),
        tuple(record for pair in pairs for record in pair),
    )


def _worst_left_out(points: _Points) -> tuple[float | None, str | None]:
    """The lowest correlation that remains when one family is left out, and that family."""
    worst: tuple[float | None, str | None] = (None, None)
    for family in dict.fromkeys(points.families):
        kept = np.array([other != family for other in points.families])
        if kept.sum() < LEAST_LEFT:
            continue
        value = float(spearman(points.proxy[kept][None], points.outcome[kept][None])[0])
        value = 0.0 if np.isnan(value) else value  # constant without that family: nothing is ordered any more
        if worst[0] is None or value < worst[0]:
            worst = (value, family)
    return worst


def _sentence(proxy: Board, outcome: Board, low: float, worst: float | None, family: str | None, trusted: bool) -> str:
    if low <= 0:
        return (
            f"Do not gate on {proxy.metric}: these candidates do not show that it orders {outcome.metric} better than "
            "chance."
        )
    if worst is None:
        return (
            f"Do not gate on {proxy.metric} yet: nearly all candidates are of one family, and what holds within a "
            "family need not hold between them."
        )
    if worst < LEAST_CORRELATION <= low:
        return f"Do not gate on {proxy.metric}: without {family} its rank correlation falls to {worst:.2f}."
    if low < LEAST_CORRELATION:
        return (
            f"Do not gate on {proxy.metric} yet: its order goes with {outcome.metric}, but the correlation may be as "
            f"low as {low:.2f}."
        )
    if not trusted:
        return (
            f"{proxy.metric} orders {outcome.metric} among random or nano weights; nothing follows for trained ones, "
            "so do not gate on it."
        )
    return f"{proxy.metric} may stand for {outcome.metric}: its correlation is at least {min(low, worst):.2f}."


def _finding(rows: list[dict[str, Any]]) -> str:
    judged = [row for row in rows if row.get("correlation") is not None]
    if not judged:
        most = max(row["candidates"] for row in rows)
        if most < LEAST_CANDIDATES:
            return (
                f"No metric is judged: at most {most} candidates have both a cheap number and a reconstruction; "
                f"{LEAST_CANDIDATES} are needed."
            )
        return "No metric is judged: every pair has a side that is the same for all candidates."
    fit = [row for row in judged if row["gateable"]]
    if not fit:
        best = max(judged, key=lambda row: row["correlation"].low)
        return (
            f"None of {len(judged)} pairs of a cheap metric and a reconstruction is fit for a gate; the surest is "
            f"{best['proxy']} for {best['outcome']} on {best['dataset']}, "
            f"{best['correlation'].value:.2f} [{best['correlation'].low:.2f}, {best['correlation'].high:.2f}]. "
            f"{best['sentence']}"
        )
    names = ", ".join(dict.fromkeys(f"{row['proxy']} for {row['outcome']} on {row['dataset']}" for row in fit))
    return f"{len(fit)} of {len(judged)} pairs are fit for a gate: {names}."
