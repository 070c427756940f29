"""Tables as files: all of them, unrounded, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from foresight_reports.written import as_csv, write_tables


def test_every_board_and_conclusion_is_written_with_full_numbers(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make(analyses=True)
    files = {file.name for file in write_tables(run, tmp_path / "tables")}
    assert {"audit.csv", "audit.json", "gates.csv", "convergence.json"} <= files
    (board,) = [name for name in files if name.startswith("spatial-shapes-dense_ridge") and name.endswith(".json")]
    lines = json.loads((tmp_path / "tables" / board).read_text())
    records = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    values = {r["candidate"]: r["value"] for r in records if r["metric"] == "iou"}
    assert {line["candidate"]: line["iou"] for line in lines} == values
    with (tmp_path / "tables" / "audit.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["score"] == "0.889"
    assert float(rows[0]["score_low"]) < 0.889 < float(rows[0]["score_high"])


def test_a_text_that_a_spreadsheet_would_run_is_quoted_away() -> None:
    assert as_csv([{"=cmd()": '=HYPERLINK("x")', "n": -1.5}]).splitlines() == [
        "'=cmd(),n",
        '"\'=HYPERLINK(""x"")",-1.5',
    ]
