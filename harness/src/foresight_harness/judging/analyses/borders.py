"""Analysis ``borders``: are decoded pictures wrong along the edges of objects and of the picture, or all over?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.boards import untrusted
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.running.run_folder.run_data import RunData

PLACES: Mapping[str, str] = {"error_at_edges": "edges of objects", "error_at_border": "border of the picture"}
"""Metric by what it tells of, in the order of the table."""
EVEN = 0.5
"""Of an error that is as large there as elsewhere."""
COLUMNS = (
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("candidate", "candidate"),
    Column("place", "place"),
    Column("there", "error there", "of the peak", "lower"),
    Column("elsewhere", "error elsewhere", "of the peak", "lower"),
    Column("measured", "lean to it (0.5 is even)", "ratio"),
    Column("round_trip", "lean of the decoder's round trip", "ratio"),
    Column("verdict", "verdict"),
)


def analyse(run: RunData) -> Analysis | None:
    """Every candidate's errors by place; None where no record parts them."""
    used = [
        record
        for metric in PLACES
        for record in run.select(metric=metric, role="candidate")
        if record.believed and record.value is not None
    ]
    if not used:
        return None
    rows = [_row(record) for record in used]
    caveats = [
        "A picture that is wrong all over is even: read the errors themselves beside it.",
        "Edges and borders cover few pixels, and objects stand more often in the middle: a flat background is easy.",
    ]
    if untrusted(used):
        caveats.append("Weights are random or nano: differences describe this run and not trained models.")
    return Analysis(
        kind="borders",
        title="Where are decoded pictures wrong?",
        finding=_finding(rows),
        caveats=tuple(caveats),
        inputs={
            "suites": sorted({record.suite for record in used}),
            "metrics": [metric for metric in PLACES if any(record.metric == metric for record in used)],
            "method": "mean absolute error there, over that and the error elsewhere, picture by picture",
        },
        columns=COLUMNS,
        rows=tuple(rows),
    )


def _row(record: Record) -> dict[str, Any]:
    details = dict(record.details or {})
    measured = Measured.of(record)
    return {
        "suite": record.suite,
        "dataset": record.dataset,
        "candidate": record.candidate,
        "place": PLACES[record.metric],
        "there": details.get("error_there"),
        "elsewhere": details.get("error_elsewhere"),
        "measured": measured,
        "round_trip": details.get("round_trip"),
        "verdict": _verdict(measured),
    }


def _verdict(measured: Measured) -> str:
    """Which way the whole interval lies; ``not told`` where it holds evenness, or there is none."""
    if measured.low is not None and measured.low > EVEN:
        return "more there"
    return "less there" if measured.high is not None and measured.high < EVEN else "not told"


def _finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many candidates are wrong more there than elsewhere, place by place, on the first data set."""
    dataset = rows[0]["dataset"]
    told = []
    for place in PLACES.values():
        here = [row for row in rows if row["dataset"] == dataset and row["place"] == place]
        if here:
            more = sum(row["verdict"] == "more there" for row in here)
            told.append(f"{more} of {len(here)} at the {place}")
    return f"On {dataset}, candidates whose decoded pictures are surely more wrong there than elsewhere: " + (
        ", ".join(told) + "."
    )
