"""What leaves the page: tables as Markdown and LaTeX, charts as SVG and PNG, and two candidates side by side."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_reports import write_report
from foresight_reports.boards import build_boards
from foresight_reports.reading import read_run
from make_rankings import board_of, rows_of, write_rankings
from PIL import Image

pytestmark = pytest.mark.browser

CATCH = """() => {
  window.copied = null;
  const value = {writeText: async (text) => (window.copied = text)};
  Object.defineProperty(navigator, "clipboard", {configurable: true, value});
}"""


def copied(page: Any, box: str, kind: str) -> str:
    page.evaluate(CATCH)
    page.locator(f"{box} .downloads").first.get_by_text(kind, exact=True).click()
    page.wait_for_function("() => window.copied !== null")
    return str(page.evaluate("window.copied"))


def test_a_table_is_copied_as_markdown_by_whole_names(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    lines = copied(page, ".board details[open]", "Markdown").splitlines()
    assert lines[0].startswith("| \\# | Candidate | IoU")
    assert re.fullmatch(r"(\| -+:? )+\|", lines[1])
    assert len({line.count(" | ") for line in lines}) == 1
    named = [line for line in lines if "dinov2\\_tiny@block.01/identity/single/ltx\\_video\\_nano" in line]
    assert len(named) == 1
    assert "(nano)" in named[0]
    assert re.search(r"0\.\d{3} \\\[0\.\d{3}–0\.\d{3}\\\]", named[0])


def test_a_table_is_copied_as_latex(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page)
    text = copied(page, ".board details[open]", "LaTeX")
    assert text.startswith("% \\usepackage{booktabs}\n\\begin{tabular}{rlr")
    assert "dinov2\\_tiny@block.01/identity/single/ltx\\_video\\_nano" in text
    assert text.rstrip().endswith("\\bottomrule\n\\end{tabular}")
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1


def test_hostile_names_are_escaped_in_every_copy(visit: Callable[..., Any], make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    bad = "a|b<img src=x>\\input{x}%$&_^~#`"
    text = (run / "records.jsonl").read_text().replace("dinov2_tiny@last", json.dumps(bad)[1:-1])
    (run / "records.jsonl").write_text(text)
    page = visit(write_report([run]))
    markdown = copied(page, ".board details[open]", "Markdown")
    assert "a\\|b\\<img src=x\\>\\\\input\\{x\\}%\\$\\&\\_^\\~\\#\\`" in markdown
    latex = copied(page, ".board details[open]", "LaTeX")
    assert "a\\textbar{}b\\textless{}img src=x\\textgreater{}\\textbackslash{}input\\{x\\}\\%\\$\\&\\_" in latex
    assert page.complaints == []


def test_every_table_has_its_copies(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page, unfolded=True)
    page.locator("details.candidate summary").first.click()
    page.wait_for_selector("details.candidate[open] .records + .downloads")
    without = """[...document.querySelectorAll('main table:not(.stages)')].filter((table) => {
      if (table.closest("details.candidate:not([open])")) return false;
      const own = "article, figure, details.numbers, details.gate-rules, .fold, details.candidate";
      return !table.closest(own)?.querySelector('[data-write]');
    }).length"""
    assert page.evaluate(without) == 0


def test_a_chart_is_saved_as_svg_that_needs_no_page_and_as_png(visit: Callable[..., Any], smoke_page: Path) -> None:
    page = visit(smoke_page, unfolded=True)
    figure = page.locator("figure:has([data-plot=tradeoff])").first
    with page.expect_download() as waiting:
        figure.get_by_text("SVG", exact=True).click()
    written = Path(waiting.value.path()).read_text()
    drawn = ElementTree.fromstring(written)
    assert "var(--" not in written
    assert "class=" not in written
    texts = [node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text") if node.text]
    assert any("Spatial on shapes" in text for text in texts), "its title comes with it"
    assert any("hollow: random or nano weights" in text for text in texts), "its key comes with it"
    with page.expect_download() as waiting:
        figure.get_by_text("PNG", exact=True).click()
    with Image.open(waiting.value.path()) as picture:
        assert picture.format == "PNG"
        assert picture.size == (2 * int(drawn.get("width", "0")), 2 * int(drawn.get("height", "0")))
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20
    assert page.complaints == []


def test_two_candidates_show_what_was_tested_and_turn_around(
    visit: Callable[..., Any], expect: Callable[..., Any], make: Callable[..., Path]
) -> None:
    run = make(suites=("spatial",), weights="pretrained")
    board = build_boards([read_run(run)])[0]
    first, second = (row.pipeline.candidate for row in board.rows[:2])
    rows = rows_of(board, ["a", "b"], role="candidate")
    rows[1] |= {"against": first, "told": True, "p": 0.012, "difference": {"value": -0.1, "low": -0.2, "high": -0.05}}
    counted = {"suite": "spatial", "dataset": "shapes", "metric": "iou", "probe": "dense_ridge", "candidate": first}
    met = {"finding": "", "rows": [{**counted, "other": second, "won": 9, "tied": 1, "lost": 2}]}
    write_rankings(run, rows, [board_of(board, direction="higher")], head_to_head=met)
    page = visit(write_report([run]), anchor="#versus")
    page.locator("#pair-result").wait_for(state="visible")
    place = "(name) => String([...document.querySelectorAll('#pair-a option')].findIndex((o) => o.title === name))"
    page.select_option("#pair-a", page.evaluate(place, first))
    page.select_option("#pair-b", page.evaluate(place, second))
    row = page.locator("#pair-result tbody tr").first.locator("td")
    expect(row.nth(6)).to_have_text("one is better")
    cells = row.all_inner_texts()
    assert cells[3].split() == ["+0.1", "+0.05", "to", "+0.2"]
    assert cells[4:] == ["0.012", "9, 1, 2", "one is better"]
    page.click("#pair-turn")
    expect(row.nth(6)).to_have_text("one is worse")
    cells = row.all_inner_texts()
    assert cells[3].split() == ["\u22120.1", "\u22120.2", "to", "\u22120.05"]
    assert cells[4:] == ["0.012", "2, 1, 9", "one is worse"]
    command = f"foresight-bench versus {run.name} '{second}' '{first}'"
    expect(page.locator("#pair-command")).to_have_text(command)
    assert page.complaints == []
