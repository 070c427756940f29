"""Analysis ``ab``: is the head slower than the base? From the rounds that ``foresight-bench ab`` kept as samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.order import median_interval
from foresight_harness.running.run_folder.run_data import Record, RunData

KIND = "ab"
SUITE = "ab"
METRIC = "latency_ratio"
SIDES = ("base_s", "head_s")
"""Names under which the rounds stand in the sample file."""
ALPHA = 0.05
SLOWER, FASTER, NOISE, NOT_COMPARED = "slower", "faster", "within noise", "not compared"
COLUMNS = (
    Column("candidate", "candidate"),
    Column("dataset", "data set"),
    Column("ratio", "head over base", "ratio", "lower"),
    Column("base_ms", "base", "ms", "lower"),
    Column("head_ms", "head", "ms", "lower"),
    Column("verdict", "verdict"),
    Column("reason", "reason"),
)


def analyse(run: RunData) -> Analysis | None:
    """The verdict on every candidate; None for a run that is of no ``ab``.

    A candidate is slower where the median over rounds of head over base lies beyond the tolerance and its whole
    interval above 1; faster likewise. The intervals hold together, at 95 % over all candidates.
    """
    told = run.manifest.get("ab")
    records = [record for record in run.all_records if record["suite"] == SUITE]
    if not told or not records:
        return None
    timed = sum(record["status"] == "ok" for record in records)
    level = joint_level(timed)
    rows = [_row(run, record, float(told["tolerance"]), level) for record in records]
    base, head = told["base"], told["head"]
    caveats = ["Both sides ran with the third-party packages of one environment: a change of a pin is not seen here."]
    if head["changed"]:
        caveats.append(f"The working tree held {head['changed']} changed files beside commit {head['sha'][:7]}.")
    elif base["sha"] == head["sha"]:
        caveats.append("Base and head are one commit: this measures noise.")
    return Analysis(
        kind=KIND,
        title=f"Latency against {base['ref']}",
        finding=finding(rows, f"{base['ref']} ({base['sha'][:7]})"),
        columns=COLUMNS,
        rows=tuple(rows),
        caveats=tuple(caveats),
        inputs={
            "metric": "wall time of one picture end to end, the fastest of a turn's repeats",
            "ratio": "median over rounds of head over base, base and head in random order within a round",
            "interval": f"order statistics at {100 * level:.4g} %, so that all hold together at 95 %",
            "tolerance": told["tolerance"],
            "rounds": told["rounds"],
            "seed": told["seed"],
        },
        further={"base": base, "head": head},
    )


def joint_level(candidates: int) -> float:
    """Level of one interval, so that all of them hold at once in 95 % of runs (Bonferroni)."""
    return 1 - ALPHA / max(1, candidates)


def _row(run: RunData, record: Record, tolerance: float, level: float) -> dict[str, Any]:
    row = {"candidate": record["candidate"], "dataset": record["dataset"], "reason": ""}
    if record["status"] != "ok":
        return {**row, "verdict": NOT_COMPARED, "reason": record["error"]}
    base, head = seconds_of(run, record)
    ratio = ratio_of(base, head, level)
    verdict, reason = judged(ratio, tolerance)
    milliseconds = [
        Measured(float(np.median(side)) * 1000, *_ends(side * 1000), len(side), "order_statistics")
        for side in (base, head)
    ]
    return {
        **row,
        "ratio": ratio,
        "base_ms": milliseconds[0],
        "head_ms": milliseconds[1],
        "verdict": verdict,
        "reason": reason,
    }


def _ends(values: Floats) -> tuple[float, float]:
    return median_interval(values)


def seconds_of(run: RunData, record: Record) -> tuple[Floats, Floats]:
    """Seconds of base and head by round. [rounds], [rounds]

    Raises:
        RunFolderError: where the two sides do not have the same rounds.
    """
    rows = run.sample_rows(record["cell"])
    by_side = [{row["sample"]: row["value"] for row in rows if row["metric"] == side} for side in SIDES]
    if not by_side[0] or by_side[0].keys() != by_side[1].keys():
        raise RunFolderError(f"samples/{record['cell']}.parquet lacks rounds of {record['candidate']}: it was cut")
    base, head = (np.array([side[name] for name in by_side[0]], dtype=np.float64) for side in by_side)
    return base, head


def ratio_of(base: Floats, head: Floats, level: float) -> Measured:
    """Median over rounds of head over base, with its interval. [rounds], [rounds]"""
    ratios = head / base
    return Measured(float(np.median(ratios)), *median_interval(ratios, level), len(ratios), "order_statistics")


def judged(ratio: Measured, tolerance: float) -> tuple[str, str]:
    """Verdict, and a reason where there is no verdict."""
    assert ratio.value is not None
    assert ratio.low is not None
    assert ratio.high is not None
    if ratio.value > 1 + tolerance and ratio.low > 1:
        return SLOWER, ""
    if ratio.value < 1 / (1 + tolerance) and ratio.high < 1:
        return FASTER, ""
    if ratio.high / ratio.value > 1 + tolerance or ratio.value / ratio.low > 1 + tolerance:
        reach = 100 * max(ratio.high / ratio.value - 1, ratio.value / ratio.low - 1)
        return NOT_COMPARED, f"too noisy: known to {reach:.1f} %, tolerance {100 * tolerance:g} %; give it more rounds"
    return NOISE, ""


def finding(rows: Sequence[Mapping[str, Any]], base: str) -> str:
    """One sentence: what got slower, else that nothing did, and how much could be compared."""
    counts = Counter(row["verdict"] for row in rows)
    slow = sorted((row for row in rows if row["verdict"] == SLOWER), key=lambda row: -row["ratio"].value)
    if slow:
        worst = slow[0]
        ratio = worst["ratio"]
        return (
            f"{len(slow)} of {len(rows)} candidates are slower than {base}, first {worst['candidate']}: "
            f"{ratio.value:.3f} times its time [{ratio.low:.3f}, {ratio.high:.3f}]."
        )
    if counts[NOT_COMPARED] == len(rows):
        return f"None of {len(rows)} candidates could be compared with {base}: {rows[0]['reason']}."
    return (
        f"No candidate is slower than {base}: {counts[NOISE]} within noise, {counts[FASTER]} faster, "
        f"{counts[NOT_COMPARED]} not compared."
    )
