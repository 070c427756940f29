"""The page in a real browser: nothing asked of the network, nothing complained about, everything reachable."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

EVERYTHING = """() => {
  // Rows, candidates and points that look like an earlier one of the same table or chart are looked at once or twice:
  // a contrast is worked out from the styles, and there are thousands of nodes with the same ones.
  const looks = (node) => [node, ...node.querySelectorAll("*")]
    .map((each) => [each.tagName, ...["class", "fill", "stroke"].map((name) => each.getAttribute(name))].join()).join();
  const thin = (nodes, kind = looks) => {
    const seen = new Map();
    for (const node of nodes) {
      const key = kind(node);
      seen.set(key, (seen.get(key) ?? 0) + 1);
      if (seen.get(key) > 2) node.remove();
    }
  };
  document.querySelectorAll("tbody").forEach((body) => thin(body.rows));
  document.querySelectorAll(".plot g[data-mark=dot]").forEach((group) => thin([...group.children]));
  thin(document.querySelectorAll("details.candidate"));
  const drawing = (node) => node.querySelector("[data-plot]")?.dataset.plot ?? "map";
  thin(document.querySelectorAll(".cards > figure"), drawing);
  thin(document.querySelectorAll("figure.sample"));
  for (const node of document.querySelectorAll("details.numbers, details.gate-rules, details.aside")) node.open = true;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["smoke", pytest.param("many", marks=pytest.mark.slow)])
def test_the_page_has_no_complaints_and_no_accessibility_violations(
    visit: Callable[..., Any], request: pytest.FixtureRequest, kind: str, theme: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="accessibility left out: pip install 'foresight-reports[browser]'",
    )
    page = visit(request.getfixturevalue(f"{kind}_page"), theme=theme, unfolded=True)
    # What is folded or off the screen is checked too.
    page.evaluate(EVERYTHING)
    page.settle()
    # Of all rules only contrast depends on the theme.
    rules = {"runOnly": ["color-contrast"]} if theme == "dark" else {}
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.complaints == []
    assert page.evaluate("document.querySelectorAll('.plot svg').length") > 0


@pytest.mark.parametrize("kind", ["smoke", "many"])
def test_a_narrow_screen_does_not_scroll_sideways(
    visit: Callable[..., Any], request: pytest.FixtureRequest, kind: str
) -> None:
    page = visit(request.getfixturevalue(f"{kind}_page"), width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
    page.settle()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_rows_of_failed_cells_stay_low_on_a_narrow_screen(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page, width=390, unfolded=True)
    tall = page.locator("#failed tbody tr").evaluate_all("all => all.map((row) => row.offsetHeight)")
    assert tall
    assert max(tall) < 200


def test_without_scripts_verdict_leaderboard_and_samples_stand(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page, scripts=False)
    expect(page.locator(".banner .word")).to_be_visible()
    expect(page.locator(".board details[open] .ranking .rows tr").last).to_be_visible()
    expect(page.locator(".sample img").first).to_be_hidden()
    page.click("#samples > details > summary")
    expect(page.locator(".sample img").first).to_be_visible()
    expect(page.locator("svg.boxed").first).to_be_visible()
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.locator(".downloads").first).to_be_hidden()


def test_names_of_candidates_beside_pictures_are_never_clipped(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page, unfolded=True)
    names = page.locator(".shot > .who")
    assert names.count() > 20
    clipped = "all => all.filter((each) => each.scrollHeight > each.clientHeight + 1).length"
    assert names.evaluate_all(clipped) == 0
    over = """all => all.filter((each) => {
      const place = (inside) => each.querySelector(inside).getBoundingClientRect();
      return place(".who").bottom > place("svg, img").top;
    }).length"""
    assert page.locator(".shot:has(img, svg)").evaluate_all(over) == 0


def test_points_of_a_chart_are_walked_by_arrow_and_announced(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page, unfolded=True)
    chart = page.locator("[data-plot=tradeoff]").first
    points = chart.locator("[role=link]")
    expect(points).to_have_count(16)
    expect(chart.locator("[tabindex='0']")).to_have_count(1)
    points.first.focus()
    expect(points.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(points.first).not_to_be_focused()
    expect(chart.locator("[role=link]:focus")).to_have_count(1)
    after = chart.locator("[role=link]:focus").get_attribute("aria-label")
    assert "nano weights" in after
    expect(page.locator("#tip")).to_be_visible()
    page.keyboard.press("Enter")
    page.locator("details.candidate[open]").wait_for()
    name = page.locator("details.candidate[open] .name").inner_text()
    assert after.startswith(name)


@pytest.mark.parametrize("kind", ["smoke", "many"])
def test_a_number_leads_to_its_record_even_from_outside(
    visit: Callable[..., Any], request: pytest.FixtureRequest, kind: str
) -> None:
    file = request.getfixturevalue(f"{kind}_page")
    lines = [json.loads(line) for line in (file.parent / "records.jsonl").read_text().splitlines()]
    position = next(i for i, line in enumerate(lines) if line["metric"] == "ssim")
    page = visit(file, anchor=f"#r{position}")
    row = page.locator(f"tr#r{position}")
    row.wait_for(state="visible")
    page.settle()
    assert "SSIM" in row.inner_text()
    assert f"{lines[position]['cell']}.parquet" in row.locator("xpath=ancestor::table/caption").inner_text()
    assert page.complaints == []


def test_the_chosen_theme_is_kept(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page, theme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.select_option("#theme", "dark")
    page.wait_for_function(f"before => {colour} !== before", arg=light)
    dark = page.evaluate(colour)
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.evaluate(colour) == dark
    assert page.locator("#theme").input_value() == "dark"


@pytest.mark.parametrize(("kind", "seconds"), [("many", 1.0), ("huge", 2.0)])
def test_pages_of_hundreds_and_thousands_of_candidates_are_ready_soon(
    visit: Callable[..., Any], expect: Callable[..., Any], request: pytest.FixtureRequest, kind: str, seconds: float
) -> None:
    # Time of the page's own thread on the processor, so that a busy machine says nothing; the least of three visits.
    taken = []
    for _ in range(3):
        page = visit(request.getfixturevalue(f"{kind}_page"), timed=True)
        taken.append(page.spent)
        if page.spent < seconds:
            break
    assert min(taken) < seconds
    assert page.locator(".ranking .rows tr:visible").count() >= 25
    page.fill("#search", "eva02")
    expect(page.locator("#count")).to_have_text(re.compile(r"^[\d,]+ of [\d,]+ candidates$"))
    assert page.complaints == []


def test_the_rest_of_a_page_is_drawn_unasked_and_leaves_no_blank_card(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page, unfolded=True)
    boxes = page.locator("[data-plot]").count()
    assert boxes > 10
    page.wait_for_selector("html[data-drawn]", state="attached")
    expect(page.locator("[data-plot]:has(svg)")).to_have_count(boxes)
    skipped = "(n) => getComputedStyle(n).contentVisibility === 'auto'"
    assert page.evaluate(f"[...document.querySelectorAll('section *')].filter({skipped}).length") == 0


def test_a_page_as_a_folder_draws_sorts_and_unfolds_like_a_single_file(
    visit: Callable[..., Any], many_page: Path, tmp_path: Path
) -> None:
    from foresight_reports import write_report

    page = visit(write_report([many_page.parent], tmp_path / "site", folder=True), unfolded=True)
    assert page.evaluate("document.querySelectorAll('script[data-packed]').length") == 0
    page.wait_for_selector(".plot svg", state="attached")
    first = page.locator("details.candidate").first
    first.locator("summary").click()
    first.locator(".records tr").first.wait_for()
    assert page.complaints == []


def test_print_draws_what_was_not_yet_drawn(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    # In one call: nothing that is drawn later, when there is time, comes to the help of the print.
    undrawn = """() => {
      dispatchEvent(new Event("beforeprint"));
      return document.querySelectorAll("[data-plot]:not(:has(svg))").length;
    }"""
    assert page.evaluate(undrawn) == 0
    page.emulate_media(media="print")
    page.wait_for_function("() => getComputedStyle(document.querySelector('.heat td')).printColorAdjust === 'exact'")
    assert page.evaluate("getComputedStyle(document.querySelector('.ranking thead button')).display") == "contents"
    overlaps = """[...document.querySelectorAll('.strip')].filter((strip) => {
      const places = [...strip.children].map((each) => each.getBoundingClientRect());
      return places.some((a, i) => places.slice(i + 1).some((b) =>
        a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
    }).length"""
    assert page.evaluate(overlaps) == 0
    whole = "(n) => getComputedStyle(n).contentVisibility === 'visible'"
    assert page.evaluate(f"[...document.querySelectorAll('.board, .card')].every({whole})")


def test_clips_stop_on_demand_and_never_start_where_less_motion_is_wished(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page, unfolded=True)
    clip = page.locator(".looped").first
    expect(clip.locator(".moving")).to_be_visible()
    expect(clip.locator(".still")).to_be_hidden()
    page.click("#stills")
    expect(clip.locator(".moving")).to_be_hidden()
    page.click("#stills")
    expect(clip.locator(".moving")).to_be_visible()
    page.emulate_media(reduced_motion="reduce")
    expect(clip.locator(".still")).to_be_visible()
    expect(clip.locator(".moving")).to_be_hidden()


def test_points_of_every_kind_of_chart_are_reached_by_keyboard(
    visit: Callable[..., Any], expect: Callable[..., Any], smoke_page: Path
) -> None:
    page = visit(smoke_page, unfolded=True)
    for kind in ("tradeoff", "profile", "alignment", "strips", "depth", "tokens"):
        chart = page.locator(f"[data-plot={kind}]").first
        chart.scroll_into_view_if_needed()
        points = chart.locator("[role=link]")
        points.first.wait_for(state="attached")
        assert points.count() > 2
        expect(chart.locator("[tabindex='0']")).to_have_count(1)
        chart.locator("[tabindex='0']").focus()
        page.keyboard.press("End")
        expect(chart.locator("[role=link]:focus")).to_have_count(1)
        expect(page.locator("#tip")).to_be_visible()
        assert len(chart.locator("[role=link]:focus").get_attribute("aria-label")) > 5
