"""A run folder that was tampered with is caught, and the place is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.judging.analyses import Analysis, Column, Kind, conclude
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.surface.command import main


def edit_record(path: Path, change: Callable[[dict], None], metric: str = "iou") -> None:
    """Change the first record of a metric."""
    lines = [json.loads(line) for line in (path / "records.jsonl").read_text().splitlines()]
    change(next(line for line in lines if line["metric"] == metric))
    (path / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def edit_samples(path: Path, change: Callable[[list[dict]], None]) -> Path:
    """Change the rows of the first sample file."""
    file = sorted((path / "samples").iterdir())[0]
    table = pq.read_table(file)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    return file


def test_untouched_run_holds(scored_run: Path, capsys) -> None:
    found = verify(scored_run)
    assert found.problems == []
    assert found.records > 10
    assert main(["verify", str(scored_run)]) == 0
    assert f"0 differences; {found.records} records recomputed" in capsys.readouterr().out


@pytest.mark.parametrize("field", ["value", "ci_low", "ci_high", "ci_method", "n"])
@pytest.mark.parametrize("metric", ["iou", "map50"])
def test_changed_record_is_named(scored_run: Path, field: str, metric: str) -> None:
    def change(record: dict) -> None:
        record[field] = "bootstrap-bca-95" if field == "ci_method" else record[field] + 1e-6 if field != "n" else 7

    edit_record(scored_run, change, metric)
    # A conclusion that was drawn from the number differs too; it is named after the record.
    problems = [problem for problem in verify(scored_run).problems if not problem.startswith("analysis/")]
    assert len(problems) == 1
    assert problems[0].startswith(f"spatial {metric} by dense_ridge of ")
    assert f"{field} is " in problems[0]
    assert main(["verify", str(scored_run)]) == 1


def test_changed_sample_is_caught_in_mean_and_digest(scored_run: Path) -> None:
    def change(rows: list[dict]) -> None:
        rows[0]["value"] = min(1.0, rows[0]["value"] + 0.1)

    file = edit_samples(scored_run, change)
    problems = verify(scored_run).problems
    assert any("value is" in problem for problem in problems)
    assert any(problem.startswith(f"samples/{file.name} was changed after") for problem in problems)


def test_swapped_samples_are_caught_though_the_mean_stays(scored_run: Path) -> None:
    def change(rows: list[dict]) -> None:
        rows[0]["value"], rows[1]["value"] = rows[1]["value"], rows[0]["value"] + 1e-15

    edit_samples(scored_run, change)
    assert any("was changed after" in problem for problem in verify(scored_run).problems)


def test_removed_sample_file_and_foreign_one_are_named(scored_run: Path) -> None:
    file = sorted((scored_run / "samples").iterdir())[0]
    file.rename(file.with_name("0123456789abcdef.parquet"))
    problems = verify(scored_run).problems
    assert "samples/0123456789abcdef.parquet belongs to no record" in problems
    assert any(f"samples/{file.name} lacks the values of iou" in problem for problem in problems)


def test_removed_record_is_noticed(scored_run: Path) -> None:
    lines = (scored_run / "records.jsonl").read_text().splitlines(keepends=True)
    (scored_run / "records.jsonl").write_text("".join(lines[1:]))
    assert any(" records" in problem for problem in verify(scored_run).problems)


def test_record_cut_short_is_noticed(scored_run: Path) -> None:
    text = (scored_run / "records.jsonl").read_text()
    (scored_run / "records.jsonl").write_text(text[:-30])
    assert "records.jsonl ends within a line: the last record was lost" in verify(scored_run).problems


def test_changed_protocol_is_noticed(scored_run: Path) -> None:
    manifest = json.loads((scored_run / "run.json").read_text())
    choices = next(iter(manifest["protocols"].values()))
    choices["canvas_px"] = 448
    (scored_run / "run.json").write_text(json.dumps(manifest))
    assert any("of run.json was changed" in problem for problem in verify(scored_run).problems)


def test_unreadable_run_is_one_line_and_exit_2(scored_run: Path, capsys) -> None:
    manifest = json.loads((scored_run / "run.json").read_text())
    (scored_run / "run.json").write_text(json.dumps({**manifest, "schema": 99}))
    with pytest.raises(RunFolderError, match="schema 99"):
        verify(scored_run)
    assert main(["verify", str(scored_run)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> tuple[Kind, ...]:
    """An analysis that counts records."""
    import sys
    from types import ModuleType

    def analyse(run):
        count = {"n": len(run.records)}
        return Analysis("counting", "Counting", f"{count['n']} records.", (Column("n", "n"),), (count,))

    module = ModuleType("counting")
    module.analyse = analyse
    monkeypatch.setitem(sys.modules, "counting", module)
    return (Kind("counting", "counting"),)


def test_changed_and_removed_conclusions_are_noticed(write_run, record, counting) -> None:
    path = write_run([record(per_sample=None)], protocols={})
    conclude(path, counting)
    analysed = [problem for problem in verify(path, counting).problems if problem.startswith("analysis")]
    assert analysed == []
    file = path / "analysis" / "counting.json"
    file.write_text(file.read_text().replace('"n": 1', '"n": 2'))
    assert (
        "analysis/counting.json differs at rows[0].n: 2 stands there, 1 is computed" in verify(path, counting).problems
    )
    file.unlink()
    assert any("counting.json is absent" in problem for problem in verify(path, counting).problems)
