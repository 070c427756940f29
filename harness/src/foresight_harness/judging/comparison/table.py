"""A comparison of two runs as a table under one sentence: what terminal, page, JSON and CI all show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.judging.comparison.comparing import (
    IDENTICAL,
    IMPROVED,
    NOISE,
    NOT_COMPARED,
    REGRESSED,
    Compared,
    regressed,
)
from foresight_harness.parts.statistics.paired import ALPHA

KIND = "regressions"
ORDER = {REGRESSED: 0, IMPROVED: 1, NOT_COMPARED: 2, NOISE: 3, IDENTICAL: 4}
"""What a reader must act on stands first."""
COLUMNS = (
    Column("candidate", "candidate"),
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("metric", "metric"),
    Column("probe", "probe"),
    Column("sentinel", "sentinel"),
    Column("verdict", "verdict"),
    Column("base", "baseline"),
    Column("head", "this run"),
    Column("delta", "difference"),
    Column("p", "p"),
    Column("p_adjusted", "p, corrected"),
    Column("tolerance", "tolerance"),
    Column("detectable", "found in 4 of 5 from"),
    Column("reason", "reason"),
)


def as_analysis(found: Sequence[Compared], baseline: dict[str, Any], notes: Sequence[str] = ()) -> Analysis:
    """The comparison in the common form. ``baseline`` holds ``name``, ``run`` and ``reason``; ``notes`` are caveats."""
    ordered = sorted(found, key=lambda one: (ORDER[one.verdict], not one.sentinel, one.key[:4], one.key[4] or ""))
    return Analysis(
        kind=KIND,
        title=f"Against {baseline['name']}",
        finding=finding(found, str(baseline["name"])),
        columns=COLUMNS,
        rows=tuple(_row(one) for one in ordered),
        caveats=(*notes, "Time is not compared between runs: other load, other clocks."),
        inputs={
            "alpha": ALPHA,
            "p": "two-sided: sign flips of clustered differences over their error, seeds counted, as of candidates",
            "correction": "Holm over sentinels, Benjamini-Hochberg over the rest",
        },
        further={"baseline": baseline, "counts": counts(found)},
    )


def counts(found: Sequence[Compared]) -> dict[str, int]:
    """Numbers by verdict, every verdict named."""
    counted = Counter(one.verdict for one in found)
    return {verdict: counted[verdict] for verdict in ORDER}


def counted(found: Sequence[Compared]) -> str:
    """One sentence on all numbers, sentinels or not."""
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts(found).items() if count)
    return f"All {len(found)} numbers: {said}." if found else "The two runs hold no number."


def finding(found: Sequence[Compared], name: str) -> str:
    """One sentence: what got worse, else that nothing did, and how much could be compared."""
    by_verdict = Counter(one.verdict for one in found if one.sentinel)
    bad = regressed(found)
    total = sum(by_verdict.values())
    compared = total - by_verdict[NOT_COMPARED]
    if not total:
        return f"No sentinel is in this run or in {name}: nothing was gated."
    if bad:
        first = bad[0]
        said = f"{len(bad)} of {total} sentinels regressed against {name}, first {first.key[3]} of {first.key[0]}"
        return said + (f" by {first.paired.difference:+.4g}." if first.paired else f" ({first.reason}).")
    if not compared:
        reason = next(one.reason for one in found if one.sentinel)
        return f"None of {total} sentinels could be compared with {name}: {reason}."
    beside = next((one.reason for one in found if one.sentinel and one.verdict == IDENTICAL and one.reason), "")
    identical = f"{by_verdict[IDENTICAL]} identical{f' ({beside})' if beside else ''}"
    return (
        f"No sentinel regressed against {name}: {identical}, {by_verdict[NOISE]} within noise, "
        f"{by_verdict[IMPROVED]} improved, {by_verdict[NOT_COMPARED]} not compared."
    )


def _row(one: Compared) -> dict[str, Any]:
    candidate, suite, dataset, metric, probe = one.key
    paired = one.paired
    delta = None
    if paired is not None and not math.isnan(paired.difference):
        interval = paired.interval
        low, high, method = (interval.low, interval.high, interval.method) if interval else (None, None, None)
        delta = Measured(paired.difference, low, high, paired.n, method)
    return {
        "candidate": candidate,
        "suite": suite,
        "dataset": dataset,
        "metric": metric,
        "probe": probe,
        "sentinel": one.sentinel,
        "base": _value(one.base),
        "head": _value(one.head),
        "delta": delta,
        "p": paired.p_value if paired else None,
        "p_adjusted": one.p_adjusted,
        "tolerance": one.tolerance,
        "detectable": one.detectable,
        "verdict": one.verdict,
        "reason": one.reason,
    }


def _value(record: Record | None) -> Measured | None:
    if record is None:
        return None
    return Measured.of(record)
