"""Tables of the page in a real browser: sorted, searched, narrowed, unfolded, downloaded."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_a_header_sorts_by_keyboard_and_says_so(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    table = page.locator(".ranking").first
    header = table.locator("thead th", has_text="Centre error")
    header.locator("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".ranking thead th[aria-sort]:has-text('Centre error')")
    assert header.get_attribute("aria-sort") == "ascending"
    assert table.locator("thead th[aria-sort]").count() == 1
    column = header.evaluate("node => node.cellIndex")
    values = "(t, i) => [...t.querySelectorAll('.rows tr')].map((r) => Number(r.cells[i].dataset.v.split(' ')[0]))"
    first = table.evaluate_handle("t => t").evaluate(values, column)
    assert first == sorted(first)
    page.keyboard.press("Enter")
    page.wait_for_selector(".ranking thead th[aria-sort=descending]:has-text('Centre error')")
    assert table.evaluate_handle("t => t").evaluate(values, column) == sorted(first, reverse=True)


def test_search_and_filters_narrow_tables_and_candidates(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page)
    page.fill("#search", "qwen2_5 sem")
    expect(page.locator("#count")).to_have_text("3 of 16 candidates")
    # The count stands at once; the tables follow one by one.
    shown = page.locator(".ranking").first.locator(".rows tr:visible th")
    expect(shown).to_have_count(3)
    assert all("qwen2_5" in name and "/sem" in name for name in shown.all_inner_texts())
    page.select_option("[data-axis='1']", "pre_merge")
    expect(page.locator("#count")).to_have_text("1 of 16 candidates")
    expect(page.locator("details.candidate:visible")).to_have_count(1)
    page.click("button[type=reset]")
    expect(page.locator("#count")).to_have_text("16 candidates")


def test_column_presets_show_and_hide(visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    extra = page.locator(".ranking").first.locator("thead th.x").first
    expect(extra).to_be_hidden()
    page.select_option("#columns", "all")
    expect(extra).to_be_visible()


def test_a_choice_of_columns_spans_suites(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page, unfolded=True)
    page.select_option("#columns", "of-pixels")
    expect(page.locator(".ranking thead th[data-family]:not([data-family=pixels]):visible")).to_have_count(0)
    heads = page.locator(".ranking thead th[data-family]:visible")
    assert set(heads.evaluate_all("all => all.map((each) => each.dataset.family)")) == {"pixels"}
    shown = page.locator(".board:has(.ranking):visible")
    assert 0 < shown.count() < page.locator(".board:has(.ranking)").count()
    row = shown.first.locator(".rows tr").first
    assert row.locator("td:visible").count() == 1 + shown.first.locator("thead th[data-family]:visible").count()
    page.click("button[type=reset]")
    page.wait_for_function("() => document.querySelectorAll('.board[hidden]').length === 0")
    assert page.complaints == []


def test_downloads_hold_every_row_with_full_numbers(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    box = page.locator(".board .downloads").first
    with page.expect_download() as waiting:
        box.get_by_text("CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text())))
    with page.expect_download() as waiting:
        box.get_by_text("JSON").click()
    lines = json.loads(Path(waiting.value.path()).read_text())
    assert len(rows) == len(lines)
    candidates = [line for line in lines if line["role"] == "candidate"]
    assert len(candidates) == 16
    records = [json.loads(line) for line in (smoke_page.parent / "records.jsonl").read_text().splitlines()]
    best = max((r for r in records if r["metric"] == "iou" and r["role"] == "candidate"), key=lambda r: r["value"])
    assert candidates[0]["Candidate"] == best["candidate"]
    assert candidates[0]["IoU ci_low"] == pytest.approx(best["ci_low"], rel=1e-4)
    assert candidates[0]["weights"] == "nano"
    assert float(rows[2]["IoU"]) == lines[2]["IoU"]


def test_long_boards_are_short_until_asked_and_filters_see_all_rows(
    visit: Callable[..., Any], expect: Callable[..., Any], many_page: Path
) -> None:
    page = visit(many_page)
    table = page.locator(".ranking").first
    expect(table.locator(".rows tr:visible")).to_have_count(25)
    page.locator(".board button.more").first.click()
    page.wait_for_function("() => document.querySelectorAll('.ranking')[0].querySelectorAll('.rows tr').length === 300")


def test_a_filter_reaches_rows_beyond_the_ones_shown(
    visit: Callable[..., Any], expect: Callable[..., Any], many_page: Path
) -> None:
    page = visit(many_page)
    table = page.locator(".ranking").first
    lines = [json.loads(line) for line in (many_page.parent / "records.jsonl").read_text().splitlines()]
    scores = {r["candidate"]: r["value"] for r in lines if r["metric"] == "iou" and r["role"] == "candidate"}
    worst = min(scores, key=lambda name: scores[name])
    assert worst not in table.locator(".rows tr:visible th").all_inner_texts()
    page.fill("#search", worst)
    expect(page.locator("#count")).to_have_text("1 of 300 candidates")
    # The count stands at once; rows that lie packed take their place a moment later.
    expect(table.locator(".rows tr:visible")).to_have_count(1)


def test_rows_that_lie_packed_unfold_sort_and_download(visit: Callable[..., Any], many_page: Path) -> None:
    page = visit(many_page, unfolded=True)
    wanted = len(json.loads((many_page.parent / "analysis" / "gates.json").read_text())["rows"])
    page.evaluate("document.querySelector('#gates .within > details.numbers').open = true")
    table = page.locator("#t-gates")
    assert table.locator("tbody tr").count() < wanted
    with page.expect_download() as waiting:
        page.locator("#gates .within > details.numbers .downloads").get_by_text("JSON").click()
    assert len(json.loads(Path(waiting.value.path()).read_text())) == wanted
    table.locator("thead th", has_text="Measured").locator("button").click()
    page.locator("#gates button.more").click()
    page.wait_for_function("n => document.querySelectorAll('#t-gates tbody tr').length === n", arg=wanted)
    page.wait_for_function("n => document.querySelectorAll('#t-gates tbody tr td[data-v]').length >= n", arg=wanted)
