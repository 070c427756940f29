"""Analysis ``categories``: which objects are found, by class, size and place in the picture?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.boards import untrusted
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics.bootstrap import Estimate
from foresight_harness.running.run_folder.intervals import summary_of_stats, summary_of_values
from foresight_harness.running.run_folder.run_data import RunData, SampleStats

METRIC = "map50"
"""Whose statistics say what was found of each single object."""
WAYS = {"class": "class", "size": "size", "place": "place"}
"""Ways of parting objects, in the order of the table."""
RESAMPLES = 1000
LEAST = 2
"""Objects of a part that a number is given for."""
COLUMNS = (
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("probe", "probe"),
    Column("candidate", "candidate"),
    Column("by", "parted by"),
    Column("level", "part"),
    Column("objects", "objects", "count"),
    Column("iou", "IoU", "ratio", "higher"),
    Column("map50", "AP at 0.5", "ratio", "higher"),
    Column("centre_error", "centre error", "picture side", "lower"),
)
NO_MATCHES: Mapping[str, Any] = {"scores": [], "hits": [], "objects": 0}


def analyse(run: RunData) -> Analysis | None:
    """Every candidate by class, size and place; None where no record says what was found of single objects."""
    rows: list[dict[str, Any]] = []
    used: list[Record] = []
    for record in run.select(metric=METRIC, role="candidate"):
        if not record.believed or not _is_ranked(run, record):
            continue
        stats = run.stats(record)
        if stats is None or not any("each" in picture for seed in stats.stats for picture in seed):
            continue
        used.append(record)
        rows += _rows_of(record, stats)
    if not rows:
        return None
    caveats = [
        "Probes say where objects are and not what they are: a detection counts for the object that it overlaps most, "
        "the nearest one where it overlaps none, and so for that object's class, size and place.",
        "Small objects cover under 1 % of the picture, large ones 10 % and more; an object is at the border where its "
        "centre lies within a sixth of a side of an edge. Classes differ in size and place too.",
    ]
    if untrusted(used):
        caveats.append("Weights are random or nano: differences describe this run and not trained models.")
    return Analysis(
        kind="categories",
        title="Which objects are found?",
        finding=_finding(rows),
        caveats=tuple(caveats),
        inputs={
            "suites": sorted({record.suite for record in used}),
            "metrics": ["iou", METRIC, "centre_error"],
            "method": "per object; intervals by a bootstrap over groups of pictures (and seeds)",
        },
        columns=COLUMNS,
        rows=tuple(rows),
    )


def _is_ranked(run: RunData, record: Record) -> bool:
    """Whether its suite ranks candidates by boxes: suites that judge probes say nothing of objects."""
    suite = run.suites.get(record.suite)
    return (suite is None or suite.gateable) and not (record.probe and run.audit_only(record.probe))


def _rows_of(record: Record, stats: SampleStats) -> list[dict[str, Any]]:
    by_class: Mapping[str, Any] = dict(record.details or {}).get("by_class") or {}
    rows = []
    for way, called in WAYS.items():
        levels = sorted({one[way] for picture in stats.stats[0] for one in picture.get("each", ()) if way in one})
        for level in levels:
            values = {name: _of_objects(stats, way, level, name) for name in ("iou", "centre_error")}
            count = values["iou"][0].shape[1]
            if count < LEAST:
                continue
            matches = [
                [picture.get("parts", {}).get(way, {}).get(level, NO_MATCHES) for picture in seed]
                for seed in stats.stats
            ]
            precision = _measured(summary_of_stats(matches, stats.groups, RESAMPLES))
            if way == "class" and level in by_class:
                precision = Measured(by_class[level], precision.low, precision.high, precision.n, precision.method)
            found = {name: _measured(summary_of_values(*objects, RESAMPLES)) for name, objects in values.items()}
            rows.append(
                {
                    "suite": record.suite,
                    "dataset": record.dataset,
                    "probe": record.probe,
                    "candidate": record.candidate,
                    "by": called,
                    "level": level,
                    "objects": count,
                    **found,
                    METRIC: precision,
                }
            )
    return rows


def _of_objects(stats: SampleStats, way: str, level: str, name: str) -> tuple[Any, list[str]]:
    """One number of every object of a part, by seed, and the group of its picture. [S, n], n"""
    groups = [
        group
        for group, picture in zip(stats.groups, stats.stats[0], strict=True)
        for one in picture.get("each", ())
        if one.get(way) == level
    ]
    rows = [
        [float(one[name]) for picture in seed for one in picture.get("each", ()) if one.get(way) == level]
        for seed in stats.stats
    ]
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), len(groups)), groups


def _measured(found: Estimate) -> Measured:
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return Measured(found.mean, low, high, found.n, found.interval.method if found.interval else None)


def _finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Of the candidate that finds objects best on the first data set: its worst and best part in each way."""
    suite, dataset = rows[0]["suite"], rows[0]["dataset"]
    here = [row for row in rows if (row["suite"], row["dataset"]) == (suite, dataset)]

    def mean(candidate: str) -> float:
        mine = [row for row in here if row["candidate"] == candidate and row["by"] == "place"]
        found = sum(row["iou"].value * row["objects"] for row in mine)
        return float(found / max(1, sum(row["objects"] for row in mine)))

    best = max(dict.fromkeys(row["candidate"] for row in here), key=mean)
    told, alike = [], []
    for way in WAYS.values():
        mine = sorted(
            (row for row in here if row["candidate"] == best and row["by"] == way), key=lambda row: row["iou"].value
        )
        if len(mine) < 2:
            continue
        worst, first = mine[0], mine[-1]
        if _apart(worst["iou"], first["iou"]):
            low, high = (f"{row['iou'].value:.2f} ({row['level']})" for row in (worst, first))
            told.append(f"by {way} from {low} to {high}")
        else:
            alike.append(way)
    if not told and not alike:
        return f"All objects of {dataset} are of one class, size and place."
    shown = f"finds objects with an IoU {', '.join(told)}" if told else "finds no part of the objects surely better"
    rest = f"; intervals of the worst and the best {' and '.join(alike)} overlap" if alike and told else ""
    return f"On {dataset}, {best} {shown}{rest}."


def _apart(low: Measured, high: Measured) -> bool:
    """Whether two intervals do not overlap; values without one are taken as they are."""
    end, start = low.value if low.high is None else low.high, high.value if high.low is None else high.low
    return end is not None and start is not None and end < start
