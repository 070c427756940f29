"""What a reader must see first: refused rows, rows that are too good, rows that nobody checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.judging.analyses.admission import analyse
from foresight_harness.judging.analyses.rankings import analyse as rank
from foresight_harness.running.run_folder.run_data import RunData

Line = Callable[..., dict[str, Any]]
Write = Callable[..., Path]
TAIL = "@last/identity/single/linear"
CEILING = {"suite": "spatial", "metric": "iou", "unit": "ratio", "direction": "higher", "range": [0.0, 1.0]}


def _analysed(write_run: Write, *lines: dict[str, Any]) -> Any:
    return analyse(RunData.load(write_run(lines)))


@pytest.mark.parametrize(("value", "found"), [(0.8787, True), (0.8781, True), (0.9, True), (0.87, False), (0.2, False)])
def test_a_candidate_at_the_ceiling_is_a_finding(write_run: Write, record: Line, value: float, found: bool) -> None:
    analysis = _analysed(write_run, record(**CEILING, value=value, ceiling=0.879, ceiling_by="oracle"))
    assert (analysis is not None) is found
    if found:
        (line,) = analysis.further["lines"]
        assert "is too good to be believed unseen: iou" in line
        assert "oracle reaches 0.879" in line


def test_a_saturated_metric_and_a_control_are_no_finding(write_run: Write, record: Line) -> None:
    full = record(**CEILING, value=1.0, ceiling=1.0, ceiling_by="oracle")
    control = record(**CEILING, value=0.9, ceiling=0.9, ceiling_by="oracle", role="ceiling")
    assert _analysed(write_run, full, control) is None


def test_refused_and_unchecked_rows_are_told_apart(write_run: Write, record: Line) -> None:
    bad = record(**CEILING, value=0.5, candidate=f"bad{TAIL}", admission="refused", admission_reason="rows swapped")
    new = record(
        **CEILING, value=0.5, candidate=f"new{TAIL}", admission="not checked", admission_reason="admission is off"
    )
    part = record(
        **CEILING, value=0.5, candidate=f"part{TAIL}", admission="admitted", admission_reason="not checked: colours"
    )
    analysis = _analysed(write_run, bad, new, part)
    assert [row["what"] for row in analysis.rows] == ["refused", "not checked", "partly checked"]
    assert analysis.further["lines"] == [
        f"bad{TAIL} is refused and not ranked: rows swapped",
        f"new{TAIL} not checked before ranking (--admission on checks)",
    ]
    assert analysis.finding == "Candidates: 1 refused and not ranked, 2 with checks that were not made."


def test_a_row_that_is_refused_is_not_ranked(write_run: Write, record: Line) -> None:
    names = {"good": 0.5, "also": 0.4, "bad": 0.9}
    lines = [
        record(
            **CEILING,
            value=value,
            candidate=f"{name}{TAIL}",
            cell=name,
            per_sample="values",
            admission="refused" if name == "bad" else "admitted",
        )
        for name, value in names.items()
    ]
    samples = {name: {"iou": {0: [value + 0.01 * index for index in range(8)]}} for name, value in names.items()}
    found = rank(RunData.load(write_run(lines, samples)))
    assert found is not None
    assert {row["candidate"] for row in found.rows} == {f"good{TAIL}", f"also{TAIL}"}
