"""Reading run folders: what is refused, and what is said in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_reports import records
from foresight_reports.errors import ReportError, RunFolderError, SchemaError
from foresight_reports.reading import read_run
from foresight_reports.records import Axes, Model, Null, parse_record


def test_a_folder_without_manifest_is_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"is not a run folder: it has no run\.json"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", ["{", "[1]", '"text"'])
def test_a_damaged_manifest_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunFolderError) as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_newer_manifest_is_refused_in_one_line(make: Callable[..., Path]) -> None:
    run = make()
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**manifest, "schema": records.SCHEMA + 1}))
    with pytest.raises(
        SchemaError, match=f"has schema {records.SCHEMA + 1}, this reader knows up to {records.SCHEMA}"
    ) as caught:
        read_run(run)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ReportError)


@pytest.mark.parametrize("name", ["records.jsonl", "media/index.jsonl"])
def test_a_newer_line_is_refused_with_its_number(make: Callable[..., Path], name: str) -> None:
    run = make(pictures=2)
    with (run / name).open("a") as file:
        file.write('{"schema": 9}\n')
    with pytest.raises(SchemaError, match=r"line \d+ of .* has schema 9"):
        read_run(run)


def test_an_unknown_field_is_read_over(make: Callable[..., Path]) -> None:
    run = make()
    before = read_run(run).records
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    (run / "records.jsonl").write_text("".join(json.dumps({**line, "novel": 1}) + "\n" for line in lines))
    assert read_run(run).records == before


def test_a_cut_off_last_line_is_left_out_and_said(make: Callable[..., Path]) -> None:
    run = make()
    whole = read_run(run)
    text = (run / "records.jsonl").read_text()
    (run / "records.jsonl").write_text(text[:-40])
    cut = read_run(run)
    assert len(cut.records) == len(whole.records) - 1
    count = len(text.splitlines())
    assert cut.notes == (
        f"Line {count} of records.jsonl is cut off (the run was interrupted while writing); it is left out.",
    )


def test_a_damaged_line_in_the_middle_is_not_called_cut_off(make: Callable[..., Path]) -> None:
    run = make()
    lines = (run / "records.jsonl").read_text().splitlines()
    (run / "records.jsonl").write_text("\n".join([lines[0], "{broken", *lines[1:]]) + "\n")
    assert read_run(run).notes == ("Line 2 of records.jsonl is not JSON; it is left out.",)


def test_missing_records_are_said_in_one_line(make: Callable[..., Path]) -> None:
    run = make()
    (run / "records.jsonl").unlink()
    read = read_run(run)
    assert read.records == ()
    assert read.notes == ("records.jsonl is missing: nothing of it can be shown.",)


def test_missing_sample_files_are_counted(make: Callable[..., Path]) -> None:
    run = make()
    cells = {r.cell: r.suite for r in read_run(run).records}
    spatial = sorted(cell for cell, suite in cells.items() if suite == "spatial")[:2]
    for cell in spatial:
        (run / "samples" / f"{cell}.parquet").unlink()
    read = read_run(run)
    (note,) = read.notes
    assert note.startswith("2 of ")
    assert not set(spatial) & read.sampled
    assert "no sample file" in note


def test_missing_media_index_is_said(make: Callable[..., Path]) -> None:
    run = make(pictures=2)
    (run / "media" / "index.jsonl").unlink()
    assert "media/index.jsonl is missing" in read_run(run).notes[0]
    shutil.rmtree(run / "media")
    assert read_run(run).notes == ()


def test_a_cell_measured_again_counts_once_and_its_failure_is_forgotten(make: Callable[..., Path]) -> None:
    run = make(failed=1)
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    failed = next(line for line in lines if line["status"] == "failed")
    other = next(line for line in lines if line["suite"] == failed["suite"] and line["metric"] == "cka")
    again = {**other, "candidate": failed["candidate"], "value": 0.5}
    (run / "records.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in [*lines, {**again, "value": 0.1}, again])
    )
    records = read_run(run).records
    mine = [r for r in records if r.candidate == failed["candidate"] and r.suite == failed["suite"]]
    assert [(r.metric, r.value) for r in mine] == [("cka", 0.5)]


def test_a_number_on_another_data_set_or_by_another_probe_hides_no_failure(make: Callable[..., Path]) -> None:
    run = make(failed=1)
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    failed = next(line for line in lines if line["status"] == "failed")
    other = next(line for line in lines if line["suite"] == failed["suite"] and line["metric"] == "cka")
    elsewhere = {**other, "candidate": failed["candidate"], "dataset": "coins", "fingerprint": "f2", "cell": "c2"}
    folder = {**other, "candidate": failed["candidate"], "fingerprint": "f3", "cell": "c3"}  # coco:a beside coco:b
    by_probe = {**failed, "probe": "knn", "cell": "c3", "fingerprint": "f3"}
    rest = [line for line in lines if line is not failed]
    write = [failed, by_probe, *rest, elsewhere, folder]
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in write))
    found = [(r.cell, r.probe) for r in read_run(run).records if r.status == "failed"]
    assert found == [(failed["cell"], failed["probe"]), ("c3", "knn")]


def test_absent_is_none_and_never_zero() -> None:
    record = parse_record({"metric": "iou", "value": None, "n": None, "ci_low": float("nan")}, 0)
    assert (record.value, record.n, record.ci_low, record.floor) == (None, None, None, None)


def test_damaged_parts_of_a_line_are_absent_and_the_rest_is_read() -> None:
    record = parse_record({"axes": {"encoders": "a", "taps": ["t"], "fusion": None}, "null": [], "provenance": [3]}, 0)
    assert record.axes == Axes(taps=("t",))
    assert record.null is None
    assert record.provenance == (Model(),)
    assert parse_record({"null": {"mean": "x", "p95": 0.5}, "params": {"adapter": 3, "decoder": None}}, 0).null == Null(
        mean=None, p95=0.5, permutations=None
    )


def test_a_line_of_an_older_schema_is_read_under_the_names_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SCHEMA", records.SCHEMA + 1)
    monkeypatch.setattr(records, "RENAMED", {records.SCHEMA - 1: {"measure": "metric"}})
    assert parse_record({"schema": records.SCHEMA - 1, "measure": "iou"}, 0).metric == "iou"
    assert parse_record({"schema": records.SCHEMA, "measure": "iou"}, 0).metric is None


def test_a_candidate_is_as_good_as_its_worst_weights() -> None:
    parts = [{"kind": "pretrained"}, {"kind": "random"}, {"kind": "nano"}]
    assert parse_record({"provenance": parts}, 0).weights == "random"
    assert parse_record({"provenance": parts[::2]}, 0).weights == "nano"
    assert parse_record({"provenance": [{"kind": "none"}]}, 0).weights == "none"


def test_bits_that_weights_were_quantised_to_stand_behind_their_kind() -> None:
    parts = [{"kind": "pretrained", "quantize": bits} for bits in ("8bit", "4bit", None)]
    assert [model.said for model in parse_record({"provenance": parts}, 0).provenance] == [
        "pretrained, 8 bits",
        "pretrained, 4 bits",
        "pretrained",
    ]
