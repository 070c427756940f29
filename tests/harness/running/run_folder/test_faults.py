"""Disks that fill, bits that flip, lines that are cut, clocks that go back: a clear result, and the rest is scored."""

from __future__ import annotations

import datetime as clock
import json
import os
import shutil
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import CacheError, RunFolderError
from foresight_harness.contracts.records import parse
from foresight_harness.running.lifecycle import manifest as manifest_module
from foresight_harness.running.run_folder import folder as folder_module
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.folder import RunFolder, find_run

pytestmark = pytest.mark.usefixtures("few_pictures")

LARGE, SMALL = "pixels@patch/identity/single/linear", "oracle@mask/identity/single/linear"
"""24 MB and 40 KB of features."""
OTHER = "constant@patch/identity/single/linear"


def test_full_cache_fails_the_cell_that_does_not_fit_and_the_rest_is_scored(
    make_keeper, builtins, planned, small_disk
) -> None:
    keeper = make_keeper(cache=small_disk.path / "cache")
    cells = [planned(builtins, LARGE, "alignment"), planned(builtins, SMALL, "alignment")]
    keeper.plan(cells)
    with pytest.raises(CacheError, match=r"cannot be written.*cache prune"):
        keeper.run_cell(cells[0])
    keeper.run_cell(cells[1])
    records = keeper.folder.records()
    assert {(line.status, line.candidate) for line in records} == {("failed", LARGE), ("ok", SMALL)}
    assert "\n" not in records[0].error
    assert not list((small_disk.path / "cache" / "making").iterdir())
    small_disk.enlarge()
    keeper.run_cell(cells[0])
    assert keeper.folder.records()[-1].status == "ok"


def test_full_disk_under_the_run_folder_is_one_line_and_resume_finishes(
    make_keeper, builtins, planned, small_disk
) -> None:
    cells = [planned(builtins, name, "alignment") for name in (SMALL, OTHER)]
    whole = make_keeper()
    whole.plan(cells)
    for cell in cells:
        whole.run_cell(cell)
    keeper = make_keeper(out=small_disk.path / "runs")
    keeper.plan(cells)
    ballast = fill_up(small_disk, keeper.folder)
    for cell in cells:
        with pytest.raises(RunFolderError, match=r"cannot be written.*--resume"):
            keeper.run_cell(cell)
    assert keeper.folder.records() == []
    ballast.unlink()
    small_disk.enlarge()
    resumed = make_keeper(out=small_disk.path / "runs", resume=True)
    resumed.plan(cells)
    for cell in cells:
        resumed.run_cell(cell)
    assert run_digests(resumed.folder.records()) == run_digests(whole.folder.records())
    assert not list(resumed.folder.path.rglob("*.tmp"))


def fill_up(disk, folder: RunFolder) -> Path:
    """Leave no byte: on the tmpfs by a file, elsewhere by a limit of no byte."""
    if disk.mounted:
        ballast = disk.path / "ballast"
        with ballast.open("wb", buffering=0) as stream:
            try:
                while stream.write(bytes(4096)):
                    pass
            except OSError:
                pass
        return ballast
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    ballast = folder.path / "ballast"
    ballast.touch()
    return ballast


def test_records_that_do_not_fit_leave_no_part_of_themselves(record, small_disk) -> None:
    folder = RunFolder(small_disk.path / "run")
    folder.append_records([parse(record(cell="a"))])
    long = [parse(record(cell="b", of_cell=2, details={"notes": "x" * 7_000_000})) for _ in range(2)]
    with pytest.raises(RunFolderError, match="cannot be written"):
        folder.append_records(long)
    folder.append_records([parse(record(cell="c"))])
    assert [line.cell for line in folder.records()] == ["a", "c"]
    assert folder.finished() == {"a", "c"}


def test_flipped_bits_in_features_cost_their_extraction_and_change_no_number(make_keeper, builtins, planned) -> None:
    cell = planned(builtins, SMALL, "alignment")
    first = make_keeper()
    first.plan([cell])
    first.run_cell(cell)
    for shard in first.workshop.store.root.glob("??/*/*.safetensors"):
        content = bytearray(shard.read_bytes())
        content[-1] ^= 1
        shard.write_bytes(content)
    second = make_keeper()
    second.plan([cell])
    second.run_cell(cell)
    assert run_digests(second.folder.records()) == run_digests(first.folder.records())
    assert second.workshop.extraction.forwards == first.workshop.extraction.forwards


def test_features_that_go_while_they_are_read_fail_the_cell_and_say_what_to_do(make_keeper, builtins, planned) -> None:
    keeper = make_keeper()
    cell = planned(builtins, SMALL, "alignment")
    split = keeper.workshop.splits.decoded(cell.dataset, "test")
    grids = keeper.workshop.extraction.grids(builtins.encoder("oracle"), "mask", split)
    shutil.rmtree(grids.array.folder)
    with pytest.raises(CacheError, match=r"pruned.*--resume"):
        grids.take([0])


def test_half_a_record_line_is_cut_off_and_its_cell_is_done_again(make_keeper, builtins, planned) -> None:
    cells = [planned(builtins, name, "alignment") for name in (SMALL, OTHER)]
    whole = make_keeper()
    whole.plan(cells)
    for cell in cells:
        whole.run_cell(cell)
    expected = run_digests(whole.folder.records())
    path = whole.folder.path / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-200])
    assert len(whole.folder.records()) == len(expected) - 1
    resumed = make_keeper(resume=True)
    resumed.plan(cells)
    assert resumed.run_cell(cells[0]) is None
    assert resumed.run_cell(cells[1]) is not None
    assert run_digests(resumed.folder.records()) == expected


def test_clock_set_back_neither_hides_the_newest_run_nor_makes_time_negative(
    make_keeper, builtins, planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = planned(builtins, SMALL, "alignment")
    now = [clock.datetime(2031, 5, 1, tzinfo=clock.UTC)]

    class Backwards(clock.datetime):
        @classmethod
        def now(cls, tz: clock.tzinfo | None = None) -> clock.datetime:
            now[0] -= clock.timedelta(days=400)
            return now[0]

    monkeypatch.setattr(folder_module, "datetime", Backwards)
    monkeypatch.setattr(manifest_module, "datetime", Backwards)
    first, second = make_keeper(), None
    first.plan([cell])
    first.run_cell(cell)
    first.close("complete")
    second = make_keeper()
    second.plan([cell])
    assert second.folder.run_id < first.folder.run_id
    assert find_run(second.options.out) == second.folder.path.resolve()
    resumed = make_keeper(resume=True)
    resumed.plan([cell])
    resumed.run_cell(cell)
    resumed.close("complete")
    assert run_digests(resumed.folder.records()) == run_digests(first.folder.records())
    assert all(record.wall_s >= 0 for record in resumed.folder.records())
    assert json.loads((resumed.folder.path / "run.json").read_text())["status"] == "complete"


def test_features_dated_in_the_future_are_read_and_can_be_pruned(make_keeper, builtins, planned) -> None:
    from foresight_harness.measuring.cache import upkeep

    keeper = make_keeper()
    cell = planned(builtins, SMALL, "alignment")
    keeper.plan([cell])
    keeper.run_cell(cell)
    for index in keeper.workshop.store.root.glob("??/*/index.json"):
        os.utime(index, (4e9, 4e9))
    again = make_keeper()
    again.plan([cell])
    again.run_cell(cell)
    assert again.workshop.extraction.forwards == {}
    for index in keeper.workshop.store.root.glob("??/*/index.json"):
        os.utime(index, (4e9, 4e9))
    upkeep.prune(keeper.workshop.store.root, 0, fresh_s=3600.0)
    assert upkeep.entries(keeper.workshop.store.root) == []
