"""Folded sections in a real browser: short as opened, and everything else one click, link, search or printout away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

SCREENS = "document.documentElement.scrollHeight / innerHeight"


@pytest.mark.parametrize("kind", ["smoke", "many"])
def test_a_page_as_opened_has_at_most_eight_screens(
    visit: Callable[..., Any], request: pytest.FixtureRequest, kind: str
) -> None:
    page = visit(request.getfixturevalue(f"{kind}_page"), width=1280, height=800)
    page.wait_for_selector("html[data-drawn]", state="attached")  # as tall as it becomes
    assert page.evaluate(SCREENS) <= 8
    assert page.evaluate("document.body.innerText.split(/\\s+/).length") < 3000


def test_a_folded_board_takes_no_more_room_unseen_than_its_heading(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    folded = page.locator(".board:has(> details:not([open]))")
    assert folded.count() > 2
    unseen = """all => {
      document.documentElement.classList.remove("laid-out");
      return all.map((each) => parseFloat(getComputedStyle(each).containIntrinsicHeight.replace("auto", "")));
    }"""
    assert max(folded.evaluate_all(unseen)) < 80


def test_a_section_opens_by_keyboard_with_its_finding_as_its_heading(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page)
    summary = page.locator("#proxies > details > summary")
    assert summary.locator("h2").inner_text().split("\n")[-1] == "Only IoU orders candidates."
    expect(page.locator("#proxies .plot").first).to_be_hidden()
    summary.focus()
    page.keyboard.press("Enter")
    page.locator("#proxies .plot svg").first.wait_for(state="visible")


@pytest.mark.parametrize("anchor", ["#audit", "#t-proxies", "#provenance"])
def test_a_deep_link_opens_what_it_leads_to(visit: Callable[..., Any], smoke_page: Path, anchor: str) -> None:
    page = visit(smoke_page, anchor=anchor)
    page.wait_for_function(f"() => document.querySelector('{anchor}').closest('.fold').querySelector('details').open")
    page.wait_for_function(f"() => document.querySelector('{anchor}').getBoundingClientRect().top < innerHeight")


def test_a_link_in_the_bar_opens_its_section_each_time(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    opened = "document.querySelector('#samples > details').open"
    for _ in range(2):
        page.click("nav a[href='#samples']")
        page.wait_for_function(f"() => {opened}")
        page.evaluate("document.querySelector('#samples > details').open = false")


def test_a_search_opens_what_it_finds_and_closes_it_again(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page)
    opened = "(id) => document.querySelector(`#${id} > details`).open"
    page.fill("#search", "qwen2_5")
    page.wait_for_function(opened, arg="candidates")
    expect(page.locator("details.candidate:visible")).to_have_count(6)
    page.fill("#search", "window order")
    page.wait_for_function("() => document.getElementById('count').textContent.startsWith('0 of 16 candidates')")
    page.wait_for_function(f"(id) => !({opened})(id)", arg="candidates")
    page.fill("#search", "permutation null")
    page.wait_for_function(opened, arg="alignment")
    expect(page.locator("#count")).to_contain_text("in Alignment")
    page.fill("#search", "")
    page.wait_for_function(f"() => !({opened})('alignment')")


def test_print_opens_every_section_and_closes_it_again(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    closed = "document.querySelectorAll('main details:not([open]):not(.candidate)').length"
    before = page.evaluate(closed)
    assert before > 10
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(closed) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(closed) == before


def test_the_whole_name_of_a_short_one_is_shown_on_focus(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page)
    link = page.locator(".ranking .rows th a:has(bdi[title])").first
    whole = link.locator("bdi").get_attribute("title")
    assert whole.count("/") == 3
    assert len(link.inner_text()) < len(whole)
    link.focus()
    expect(page.locator("#tip")).to_have_text(whole)
    expect(page.locator("#tip")).to_be_visible()
    page.keyboard.press("Tab")
    told = "whole => ((tip) => tip.hidden || tip.textContent !== whole)(document.getElementById('tip'))"
    page.wait_for_function(told, arg=whole)


def test_on_paper_no_mark_of_a_fold_lies_over_its_heading(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    page.emulate_media(media="print")
    unmarked = """() => [...document.querySelectorAll(".fold > details > summary, .board > details > summary")]
      .every((each) => getComputedStyle(each, "::before").content === "none")"""
    page.wait_for_function(unmarked)
