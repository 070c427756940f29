"""The page of a decision in a real browser: both themes, a phone, a sheet of paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_reports.decision import decision_page
from test_decision import ROW, decision

pytestmark = pytest.mark.browser

LONG = "qwen2_5_vl_7b@post_merge/identity/single/adapter_50m:ltx_video"
RUN = {"gate": "g1", "command": "pytest benchmarks/", "seconds": 7.5e6, "measured": False, "gpu_hours": None}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One page of each kind of answer, five proposals with four criteria each."""
    out = tmp_path_factory.mktemp("decisions")
    thin = {**ROW, "verdict": "INCONCLUSIVE", "word": "open", "missing": ["8 independent samples, 24 are needed"]}
    low = {**ROW, "verdict": "NO-GO", "word": "not met"}
    asks = [{"gate": "g1", "rule": "a", "label": "Human evaluation", "ask": "show pairs to people"}]
    kinds = {
        "good": {"answer": "PROCEED", "criteria": [ROW] * 4},
        "bad": {"answer": "ABORT", "criteria": [low] * 4},
        "turn": {"answer": "PIVOT", "criteria": [low, ROW]},
        "open": {"answer": "CANNOT SAY", "criteria": [thin] * 4, "by": [], "next": RUN | {"reason": "r"}, "ask": asks},
    }
    found = {}
    for name, changes in kinds.items():
        made = decision(**changes)
        one = {**made["proposals"][0], "title": "Change to another vision-language model"}
        one["criteria"] = [
            {**row, "label": f"IoU {place}", "bound": 0.1 * place} for place, row in enumerate(one["criteria"], 4)
        ]
        row = {"candidate": LONG, "sure": 0.4, "possible": 0.9, "criteria": {"iou": "GO"}, "present": True}
        made |= {"proposals": [{**one, "proposal": f"Pivot {n}"} for n in range(1, 6)]}
        made["matrix"]["rows"] = [row] * 4
        found[name] = out / f"{name}.html"
        found[name].write_text(decision_page(made), encoding="utf-8")
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["good", "bad", "turn", "open"])
def test_a_decision_has_no_accessibility_violations(
    visit: Callable[..., Any], pages: dict[str, Path], kind: str, theme: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="accessibility left out: pip install 'foresight-reports[browser]'",
    )
    page = visit(pages[kind], theme=theme, says_ready=False)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.complaints == []


@pytest.mark.parametrize("kind", ["good", "open"])
def test_a_phone_neither_scrolls_sideways_nor_breaks_words(
    visit: Callable[..., Any], pages: dict[str, Path], kind: str
) -> None:
    page = visit(pages[kind], width=390, height=844, says_ready=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    one_line = "all => all.every((each) => each.getClientRects().length === 1 && each.offsetHeight < 40)"
    assert page.locator(".word").evaluate_all(one_line)
    if kind == "open":
        assert page.locator(".waiting tbody th").count() == 5
        assert page.locator(".waiting tbody th").evaluate_all(
            "all => all.every((each) => each.scrollWidth <= each.clientWidth)"
        )


@pytest.mark.parametrize("kind", ["good", "bad", "open"])
def test_a_decision_is_printed_on_one_sheet(visit: Callable[..., Any], pages: dict[str, Path], kind: str) -> None:
    page = visit(pages[kind], says_ready=False)
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(sheets) == 1
