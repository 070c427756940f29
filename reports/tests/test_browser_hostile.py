"""Hostile texts in a real browser run nothing and stay texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_a_hostile_page_runs_nothing(visit: Callable[..., Any], make: Callable[..., Path]) -> None:
    from foresight_reports import write_report

    run = make(pictures=2)
    hostile = "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=1>"
    for name in ("records.jsonl", "media/index.jsonl", "run.json"):
        text = (run / name).read_text()
        (run / name).write_text(text.replace("dinov2_tiny", json.dumps(hostile)[1:-1]).replace("smoke", hostile))
    page = visit(write_report([run]))
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.settle()  # what would do harm stands in the page by then
    assert page.evaluate("window.harmed") is None
    assert page.complaints == []


def test_hostile_conclusions_run_nothing_and_stay_texts(visit: Callable[..., Any], make: Callable[..., Path]) -> None:
    from foresight_reports import write_report

    run = make(analyses=True, pictures=1, weights="nano")
    hostile = "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=1>\"'\u202e" + "x" * 10_000

    def poison(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: poison(each) for key, each in value.items()}
        if isinstance(value, list):
            return [poison(each) for each in value]
        return hostile + value if isinstance(value, str) and value not in ("", "higher", "lower", "none") else value

    for file in (run / "analysis").glob("*.json"):
        file.write_text(json.dumps(poison(json.loads(file.read_text())) | {"kind": hostile}))
    (run / "analysis" / "<img src=x onerror=window.harmed=1>.json").write_text(
        json.dumps({"rows": [{hostile: hostile}]})
    )
    page = visit(write_report([run]))
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.evaluate("document.querySelectorAll('button.more').forEach((each) => each.click())")
    page.settle()
    page.locator("[data-plot=strips] [role=link]").first.focus()
    assert page.evaluate("window.harmed") is None
    assert page.complaints == []
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    page.set_viewport_size({"width": 400, "height": 900})
    # The point's words go with the chart that is drawn again.
    page.locator("#tip").wait_for(state="hidden")
    # Charts are drawn for the new width a moment after the window has it.
    page.wait_for_function("() => document.documentElement.scrollWidth <= 400")
    assert "\u202e" not in page.content()
