from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.judging.analyses.borders import analyse
from foresight_harness.running.run_folder.run_data import RunData

GOOD, BAD = "good@last/identity/single/linear", "bad@last/identity/single/linear"


@pytest.fixture
def run(write_run: Callable[..., Path], record: Callable[..., dict[str, Any]]) -> Callable[..., RunData]:
    """A run of records, each with a metric, a candidate, a value and its interval."""

    def make(*given: tuple[str, str, float, float, float], **changes: Any) -> RunData:
        records = []
        for metric, candidate, value, low, high in given:
            details = {"error_there": 0.2, "error_elsewhere": 0.1, "round_trip": 0.6}
            fields = {"metric": metric, "candidate": candidate, "value": value, "ci_low": low, "ci_high": high}
            fields |= {"suite": "reconstruction", "direction": "none", "probe": None, "details": details}
            records.append(record(cell=f"c{len(records)}", **fields | changes))
        return RunData.load(write_run(records))

    return make


def test_a_row_says_both_errors_and_which_way_they_surely_lean(run: Callable[..., RunData]) -> None:
    found = analyse(
        run(
            ("error_at_border", GOOD, 0.4, 0.3, 0.45),
            ("error_at_edges", GOOD, 0.7, 0.6, 0.8),
            ("error_at_edges", BAD, 0.6, 0.45, 0.7),
        )
    )
    assert found is not None
    table = {(row["place"], row["candidate"]): row for row in found.rows}
    first = table["edges of objects", GOOD]
    assert (first["there"], first["elsewhere"], first["round_trip"], first["measured"].value) == (0.2, 0.1, 0.6, 0.7)
    assert [row["verdict"] for row in found.rows] == ["more there", "not told", "less there"]
    assert found.finding.endswith("1 of 2 at the edges of objects, 0 of 1 at the border of the picture.")


def test_an_older_run_concludes_nothing(run: Callable[..., RunData]) -> None:
    assert analyse(run(("psnr", GOOD, 20.0, 19.0, 21.0))) is None


def test_distrusted_rows_and_controls_are_left_out(run: Callable[..., RunData]) -> None:
    row = ("error_at_edges", GOOD, 0.7, 0.6, 0.8)
    assert analyse(run(row, role="ceiling")) is None
    assert analyse(run(row, controls_ok=False)) is None
    assert analyse(run(row, admission="refused")) is None
