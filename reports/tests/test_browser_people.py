"""The page of pairs in a real browser: answered by keys, corrected, saved; both themes and a phone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_reports.people import write_people
from make_pairs import PICTURED, pairs

pytestmark = pytest.mark.browser


@pytest.fixture
def page_file(written: Callable[..., Path], tmp_path: Path) -> Path:
    run = written(PICTURED)
    return write_people(run, "0123456789abcdef", pairs(run), tmp_path / "page.html")


def begun(visit: Callable[..., Any], file: Path, **how: Any) -> Any:
    page = visit(file, **how)
    page.keyboard.type("A. Rater")
    page.keyboard.press("Enter")
    return page


def saved(page: Any, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    file = tmp_path / "saved.json"
    download.value.save_as(file)
    return download.value.suggested_filename, json.loads(file.read_text(encoding="utf-8"))


def test_a_page_is_answered_by_keys_alone_and_saves_what_was_answered(visit, page_file: Path, tmp_path: Path) -> None:
    page = begun(visit, page_file)
    for key in ("y", "ArrowRight", "N", "ArrowDown"):
        page.keyboard.press(key)
    assert page.locator("#said").inner_text() == "All 4 questions are answered."
    name, content = saved(page, tmp_path)
    assert name == "answers-01234567-A_Rater.json"
    when = content.pop("when")
    assert content == {
        **{"schema": 1, "kind": "people-answers", "page": "0123456789abcdef", "rater": "A. Rater"},
        "answers": {"a0": "yes", "b0": "right", "a1": "no", "b1": "neither"},
    }
    assert when == page.evaluate("new Date(Date.now() - new Date().getTimezoneOffset() * 6e4).toJSON().slice(0, 10)")
    assert page.complaints == []


def test_a_slip_is_taken_back_and_other_keys_answer_nothing(visit, page_file: Path, tmp_path: Path) -> None:
    page = begun(visit, page_file)
    for key in ("y", "y", "n", "Control+ArrowLeft", "ArrowLeft", "Backspace"):
        page.keyboard.press(key)
    assert page.locator("#where").inner_text() == "2 of 4"
    assert page.locator('[data-answer="left"]').get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowRight")
    page.locator("#early").click()
    assert page.locator("#said").inner_text() == "2 questions are answered, 2 are open."
    assert saved(page, tmp_path)[1]["answers"] == {"a0": "yes", "b0": "right"}


def test_a_key_that_is_held_down_answers_once(visit, page_file: Path) -> None:
    page = begun(visit, page_file)
    page.keyboard.down("y")
    page.keyboard.down("y")  # what a browser makes of a key that stays down
    page.keyboard.up("y")
    page.keyboard.down("ArrowLeft")
    page.keyboard.down("ArrowLeft")
    assert page.locator("#where").inner_text() == "3 of 4"


def test_buttons_do_the_same_and_going_on_loses_nothing(visit, page_file: Path) -> None:
    page = begun(visit, page_file)
    page.get_by_role("button", name="Yes").click()
    page.locator("#early").click()
    page.locator("#again").click()
    assert page.locator("#where").inner_text() == "2 of 4"


def test_nobody_begins_without_a_name(visit, page_file: Path) -> None:
    page = visit(page_file)
    page.keyboard.press("Enter")
    assert page.locator("#asking").is_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_has_no_accessibility_violations(visit, page_file: Path, theme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="accessibility left out: pip install 'foresight-reports[browser]'",
    )
    page = visit(page_file, theme=theme)

    def violations() -> list[Any]:
        found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        return [(each["id"], each["nodes"][0]["html"]) for each in found]

    assert violations() == []
    page.keyboard.type("A")
    page.keyboard.press("Enter")
    assert violations() == []
    page.keyboard.press("y")
    assert violations() == []
    page.locator("#early").click()
    assert violations() == []


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1200, 800)])
def test_a_question_fits_on_one_screen_with_its_answers(visit, page_file: Path, width: int, height: int) -> None:
    page = begun(visit, page_file, width=width, height=height)
    for key in ("y", "ArrowLeft"):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#answers").bounding_box()["y"] + page.locator("#answers").bounding_box()["height"] < height
        sizes = {
            round(box["width"]) for box in (each.bounding_box() for each in page.locator("#pair img").all()) if box
        }
        assert len(sizes) == 1
        page.keyboard.press(key)


def test_without_scripts_the_page_says_that_it_needs_them(visit, page_file: Path) -> None:
    page = visit(page_file, scripts=False)
    assert "allow scripts" in page.locator("noscript, .stop").first.inner_text()
