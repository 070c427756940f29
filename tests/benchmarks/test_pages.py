"""The record of pages of two commits, and what counts as a short page."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PERF = Path(__file__).resolve().parents[2] / "benchmarks" / "perf"


@pytest.fixture(scope="module")
def pages() -> Iterator[ModuleType]:
    """The script as a module."""
    sys.path.insert(0, str(PERF))
    yield importlib.import_module("pages")
    sys.path.remove(str(PERF))


def test_a_page_that_should_be_short_and_is_not_ends_the_script(
    pages: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    looks = [{"ready_s": 0.3, "screens": 8.1, "words": 10}]
    monkeypatch.setattr(pages, "rendered", lambda tree, place: {"smoke": tmp_path, "3,000 candidates": tmp_path})
    monkeypatch.setattr(
        pages, "measured", lambda found, rounds: [{"page": name, "now": pages.row(looks)} for name in found["now"]]
    )
    monkeypatch.setattr(sys, "argv", ["pages.py"])
    with pytest.raises(SystemExit, match=r"^over 8 screens: smoke$"):
        pages.main()


def test_what_is_said_of_a_page_is_its_last_height_and_its_middle_time(pages: ModuleType) -> None:
    looks = [{"ready_s": seconds, "screens": 4.0 + seconds, "words": 9} for seconds in (0.1, 0.9, 0.2)]
    assert pages.row(looks) == {"screens": 4.2, "words": 9, "ready_s": 0.2, "rounds_ready_s": [0.1, 0.9, 0.2]}


def test_the_record_holds_both_commits_and_pages_of_today_are_short(pages: ModuleType) -> None:
    found = json.loads(pages.RECORD.read_text(encoding="utf-8"))
    assert found["before"]
    for row in found["rows"]:
        assert row["now"]["screens"] <= pages.MOST_SCREENS < row["before"]["screens"]
        assert len(row["now"]["rounds_ready_s"]) == len(row["before"]["rounds_ready_s"]) >= 3
