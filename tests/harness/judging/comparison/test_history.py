from __future__ import annotations

import csv
import io
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness.judging.comparison import index as index_module
from foresight_harness.judging.comparison.index import NAME, numbers, refresh
from foresight_harness.judging.comparison.noise import rounded_up
from foresight_harness.surface.command import main

CELL = ["--cell", "encoder_0@*", "--metric", "iou"]


@pytest.fixture
def dated(run_with):
    """A run of a commit: ``dated(number, ...)``."""

    def write(number: int, *, sha: str = "", dirty: str = "no", **values) -> Path:
        path = run_with(f"2026010{number // 10}T0{number % 10}0000Z_run{number}", **values)
        manifest = json.loads((path / "run.json").read_text())
        manifest |= {"started": path.name[:15], "hardware": {"fingerprint": "m"}}
        manifest["environment"] = {"git_sha": sha or f"{number:07d}", "git_dirty": dirty}
        (path / "run.json").write_text(json.dumps(manifest))
        return path

    return write


def test_a_drop_is_named_with_the_commits_around_it(dated, tmp_path: Path, capsys) -> None:
    for number in range(14):
        dated(number, moved={0: -0.03 if number >= 9 else 0.0}, noise=0.003, seed=number)
    assert main(["history", *CELL, "--out", str(tmp_path), "--json"]) == 0
    (series,) = json.loads(capsys.readouterr().out)["series"]
    assert len(series["points"]) == 14
    (step,) = series["steps"]
    assert (step["verdict"], step["after_commit"], step["by_commit"]) == ("worse", "0000008", "0000009")
    assert main(["history", *CELL, "--out", str(tmp_path)]) == 0
    assert "worse: 0." in capsys.readouterr().out
    assert main(["history", *CELL, "--out", str(tmp_path), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["sha"] for row in rows] == [f"{number:07d}" for number in range(14)]


def test_a_page_of_the_history_is_written_by_the_report_writer(dated, tmp_path: Path, capsys) -> None:
    for number in range(14):
        dated(number, moved={0: -0.03 if number >= 9 else 0.0}, noise=0.003, seed=number)
    page = tmp_path / "pages" / "history.html"
    assert main(["history", *CELL, "--out", str(tmp_path), "--html", "-o", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "after <code>0000008</code>, by <code>0000009</code>" in text
    assert text.count('<tr><th scope="row">') == 14
    assert main(["history", *CELL, "--out", str(tmp_path), "-o", str(page)]) == 2
    (tmp_path / "file").write_text("")
    assert main(["history", *CELL, "--out", str(tmp_path), "--html", "-o", str(tmp_path / "file" / "x.html")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "only --html writes a file" in first
    assert "cannot be written" in second


def test_unlike_protocols_stand_in_series_of_their_own(dated, tmp_path: Path, capsys) -> None:
    for number in range(10):
        dated(number, protocol="old" if number < 5 else "new", moved={0: -0.3 if number >= 5 else 0.0})
    assert main(["history", *CELL, "--out", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["series"]
    assert [(one["protocol"], len(one["points"]), one["steps"]) for one in found] == [("old", 5, []), ("new", 5, [])]


def test_random_and_pretrained_weights_are_series_of_their_own_and_named(dated, tmp_path: Path, capsys) -> None:
    for number in range(4):
        kind = "random" if number < 2 else "pretrained"
        parts = [{"part": "encoder", "name": "e", "kind": kind}, {"part": "decoder", "name": "d", "kind": "none"}]
        dated(number, provenance=parts)
    assert main(["history", *CELL, "--out", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["series"]
    assert [(one["weights"], len(one["points"])) for one in found] == [("random", 2), ("pretrained", 2)]
    assert main(["history", *CELL, "--out", str(tmp_path)]) == 0
    assert "(random weights)" in capsys.readouterr().out


def test_index_follows_the_run_folders_and_is_made_anew_when_damaged(dated, tmp_path: Path) -> None:
    first, _ = dated(1), dated(2)
    assert refresh(tmp_path) == []
    assert len(list(numbers(tmp_path, "encoder_0*", "iou"))) == 2
    shutil.rmtree(first)
    dated(3)
    (dated(4) / "records.jsonl").unlink()
    assert "records.jsonl" in refresh(tmp_path)[0]
    known = list(numbers(tmp_path, "encoder_0*", "iou"))
    assert [point.run[-4:] for point in known] == ["run2", "run3"]
    (tmp_path / NAME).write_bytes(b"no data base" * 100)
    refresh(tmp_path)
    assert list(numbers(tmp_path, "encoder_0*", "iou")) == known


def test_index_written_by_many_at_once_holds_every_number_once(dated, tmp_path: Path) -> None:
    for number in range(4):
        dated(number)
    threads = [threading.Thread(target=refresh, args=(tmp_path,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(numbers(tmp_path, "*", "iou"))) == 16


def test_history_of_nothing_is_a_usage_error(dated, tmp_path: Path, capsys) -> None:
    dated(1)
    assert main(["history", "--cell", "x*", "--metric", "iou", "--out", str(tmp_path)]) == 2
    assert main(["history", *CELL, "--out", str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_noise_floor_is_the_largest_difference_between_reruns(dated, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, (shift, sha) in enumerate(((0.0, "a"), (0.0012, "a"), (-0.0011, "a"), (0.5, "b")), start=1):
        dated(number, sha=sha, moved={0: shift})
    assert main(["aa", "20260100T010000Z_run1", "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["runs"]) == 3
    (noise,) = told["noise"]
    assert noise["largest"] == pytest.approx(0.0023)
    assert noise["suggested"] == 0.003
    assert (noise["compared"], noise["differing"]) == (12, 3)
    assert main(["aa", "20260100T010000Z_run1", "--out", str(tmp_path)]) == 0
    assert "iou = 0.003" in capsys.readouterr().out


def test_changed_trees_and_lonely_runs_measure_no_noise(dated, tmp_path: Path, capsys) -> None:
    name = dated(1, sha="a").name
    changed = dated(2, sha="a", dirty="yes").name
    assert main(["aa", name, "--out", str(tmp_path)]) == 2
    assert "no other complete run of that commit" in capsys.readouterr().err
    assert main(["aa", changed, "--out", str(tmp_path)]) == 2
    assert "changed working tree" in capsys.readouterr().err
    assert main(["aa", changed, "--out", str(tmp_path), "--dirty"]) == 0


@pytest.mark.parametrize(("value", "up"), [(0.00123, 0.002), (0.002, 0.002), (0.0, 0.0), (0.0951, 0.1), (7.0, 7.0)])
def test_tolerances_are_rounded_up_to_one_digit(value: float, up: float) -> None:
    assert rounded_up(value) == pytest.approx(up)


def test_a_thousand_runs_are_indexed_in_little_time_and_looked_at_in_less(
    dated, tmp_path: Path, least_seconds: Callable[..., float]
) -> None:
    """5,000 runs of this size take 20 s at most the first time, and 1 s after; a fifth of both is asked for here."""
    first = dated(0)
    manifest, records = (first / "run.json").read_bytes(), (first / "records.jsonl").read_bytes()
    for number in range(1, 1000):
        folder = tmp_path / f"run_{number:04d}"
        folder.mkdir()
        (folder / "run.json").write_bytes(manifest)
        (folder / "records.jsonl").write_bytes(records)

    def refreshed() -> float:
        began = time.process_time()
        assert refresh(tmp_path) == []
        return time.process_time() - began

    def made_anew() -> float:
        (tmp_path / NAME).unlink(missing_ok=True)
        return refreshed()

    def one_changed() -> float:
        file = tmp_path / "run_0007" / "records.jsonl"
        file.write_bytes(file.read_bytes() + records)
        return refreshed()

    assert least_seconds(made_anew, 4.0, tries=3) < 4
    assert least_seconds(refreshed, 0.2) < 0.2
    assert least_seconds(one_changed, 0.4) < 0.4


def test_what_was_indexed_before_an_interruption_stays(dated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        dated(number)
    monkeypatch.setattr(index_module, "AT_ONCE", 2)
    sound, seen = index_module._rows, []

    def rows(path: Path):
        seen.append(path.name)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return sound(path)

    with monkeypatch.context() as patch:
        patch.setattr(index_module, "_rows", rows)
        with pytest.raises(KeyboardInterrupt):
            refresh(tmp_path)
    seen.clear()
    monkeypatch.setattr(index_module, "_rows", lambda path: seen.append(path.name) or sound(path))
    refresh(tmp_path)
    assert len(seen) == 2
