from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.contracts.records import SCHEMA, Record
from foresight_harness.contracts.records.parts import Axes
from foresight_harness.contracts.records.record import line_of
from foresight_harness.running.run_folder.folder import RunFolder, check_writable, find_run
from foresight_harness.running.run_folder.record_file import read_records


def record(cell: str, of_cell: int = 1, status: str = "ok", **changes: Any) -> Record:
    axes = Axes(encoders=("e",), enhancer="identity", fusion="single", decoder="linear")
    fields = {"candidate": "e@t/identity/single/linear", "axes": axes, "role": "candidate", "suite": "s"}
    fields |= {"dataset": "shapes", "metric": "iou", "value": 0.5}
    return Record(cell=cell, of_cell=of_cell, status=status, **{**fields, **changes})


def test_run_is_found_by_id_path_and_latest(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "0123456789")
    folder.write_manifest({"status": "running"})
    assert folder.run_id.split("_")[1] == "0123456"
    for name in (folder.run_id, str(folder.path), "latest"):
        assert find_run(tmp_path, name) == folder.path.resolve()
    manifest = json.loads((tmp_path / "latest" / "run.json").read_text())
    assert (manifest["schema"], manifest["run"]) == (SCHEMA, folder.run_id)


def test_unknown_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no run 'yesterday'"):
        find_run(tmp_path, "yesterday")


def test_records_are_strict_json(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "nogit")
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.append_records([record("nan", value=float("nan"))])


def test_truncated_last_line_is_left_out_and_another_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    first, second = (line_of(record(cell)) for cell in ("first", "second"))
    path.write_text(f"{first}\n{second}\n{second[:9]}")
    assert [found.cell for found in read_records(path)] == ["first", "second"]
    path.write_text(f"{first}\n{second[:9]}\n{second}\n")
    with pytest.raises(RunFolderError, match="line 2 is not JSON"):
        read_records(path)
    path.write_text(f"{first}\n{second.replace('0.5', 'true')}\n")
    with pytest.raises(RunFolderError, match="line 2: value is True, wanted is float or null"):
        read_records(path)


def test_resume_keeps_finished_cells_and_drops_half_written_and_failed_ones(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "nogit")
    folder.append_records([record("whole", 2), record("whole", 2)])
    folder.append_records([record("failed", 1, "failed")])
    folder.append_records([record("half", 2)])
    assert folder.drop_unfinished() == {"whole"}
    assert [line.cell for line in folder.records()] == ["whole", "whole"]


def test_place_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(UsageError, match=r"--out .*file.* cannot be written"):
        check_writable(blocker / "runs")


def test_cell_that_two_workers_finish_at_once_has_the_records_and_media_of_the_first(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    shown = {"cell": "control", "file": "media/control.webp"}
    for folder, seconds in ((first, 1.0), (second, 2.0)):
        folder.append_media([shown])
        folder.append_records([record("control", 2, wall_s=seconds) for _ in range(2)])
    second.append_records([record("other")])
    assert [line.wall_s for line in first.records()] == [1.0, 1.0, None]
    assert first.finished() == second.finished() == {"control", "other"}
    (line,) = (tmp_path / "run" / "media" / "index.jsonl").read_text().splitlines()
    assert json.loads(line)["file"] == shown["file"]


def test_limit_on_file_sizes_is_one_line_leaves_no_part_and_can_be_lifted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.append_records([record("first")])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((folder.path / "records.jsonl").stat().st_size + 40, before[1]))
    try:
        with pytest.raises(RunFolderError, match=r"cannot be written \(File too large\).*--resume"):
            folder.append_records([record("second", 2), record("second", 2)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    folder.append_records([record("third")])
    assert [line.cell for line in folder.records()] == ["first", "third"]
