"""The page of pairs: blind, offline, nothing but what it was given."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from foresight_reports.errors import RunFolderError
from foresight_reports.people import people_page, write_people
from make_pairs import PICTURED, pairs


@pytest.fixture
def run(written) -> Path:
    return written(PICTURED)


def embedded(page: str) -> dict:
    """What the script of a page reads."""
    return json.loads(re.search(r'<script type="application/json" id="asked">(.*?)</script>', page, re.DOTALL)[1])


def test_a_page_holds_its_questions_and_no_name_of_what_they_are_about(run: Path) -> None:
    page = people_page(run, "0123456789abcdef", pairs(run))
    found = embedded(page)
    assert [each["id"] for each in found["questions"]] == ["a0", "b0", "a1", "b1"]
    assert "middle" not in found["questions"][0]
    assert all(picture.startswith("data:image/") for picture in found["pictures"])
    names = {json.loads(line)["candidate"] for line in (run / "media" / "index.jsonl").read_text().splitlines()}
    for name in names - {None}:
        assert name not in page
        assert name.partition("@")[0] not in page
    assert "media/" not in page


def test_pictures_that_are_asked_about_twice_stand_once(run: Path) -> None:
    assert len(embedded(people_page(run, "0" * 16, pairs(run) * 3))["pictures"]) <= 5


def test_the_page_asks_no_network_and_runs_no_script_but_its_own(run: Path) -> None:
    page = people_page(run, "0" * 16, pairs(run))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert "default-src &#39;none&#39;; connect-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:", page.replace("http-equiv", ""))


def test_text_from_outside_is_no_markup(run: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x>"
    page = people_page(run, evil, [{**pairs(run)[0], "id": evil}])
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert embedded(page)["questions"][0]["id"] == evil


def test_the_same_questions_give_the_same_bytes(run: Path, tmp_path: Path) -> None:
    first = write_people(run, "0" * 16, pairs(run), tmp_path / "sub" / "page.html").read_bytes()
    assert first == people_page(run, "0" * 16, pairs(run)).encode()


@pytest.mark.parametrize("path", ["../../etc/passwd", "media/none.webp", "run.json"])
def test_what_is_no_picture_of_the_run_is_refused(run: Path, path: str) -> None:
    with pytest.raises(RunFolderError, match="is no picture of this run"):
        people_page(run, "0" * 16, [{**pairs(run)[0], "left": path}])


def test_only_what_is_asked_is_explained(run: Path) -> None:
    page = people_page(run, "0" * 16, pairs(run)[:1])
    assert "<b>Is this the same scene?</b>" in page
    assert "<b>Which is nearer" not in page
