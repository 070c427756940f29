"""The section of a search: its sentence, its rungs and its table, whatever stands in the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foresight_reports import write_report

EVIL = "<script>alert(1)</script>"


def _search(run: Path, **changes: Any) -> str:
    """The page of a run with a search, written for it."""
    columns = [
        {"key": key, "label": key, "unit": "", "direction": "none"} for key in ("candidate", "outcome", "reason")
    ]
    rows = [{"candidate": EVIL, "outcome": "left out", "reason": f"it is number 4 of 4 {EVIL}"}]
    rungs = [{"rung": f"25 steps {EVIL}", "entering": 4, "kept": 2, "rule": "the best 2 candidates", "seconds": None}]
    content = {
        "schema": 1,
        "kind": "search",
        "title": "What the search found",
        "finding": "Of 4 candidates, 2 can be the best by iou on shapes.",
        "caveats": ["Guaranteed is only what the race says."],
        "inputs": {"alpha": 0.05},
        "columns": columns,
        "rows": rows,
        "rungs": rungs,
        **changes,
    }
    (run / "analysis").mkdir(exist_ok=True)
    (run / "analysis" / "search.json").write_text(json.dumps(content))
    return write_report([run]).read_text(encoding="utf-8")


def test_the_page_says_what_a_search_found_with_its_rungs_and_reasons(make: Callable[..., Path]) -> None:
    page = _search(make())
    assert 'id="search"' in page
    assert "Of 4 candidates, 2 can be the best by" in page.replace("<wbr>", "")
    assert "Guaranteed is only what the race says." in page
    assert "Rungs of the search" in page
    assert "the best 2 candidates" in page.replace("<wbr>", "")


def test_texts_of_a_search_never_become_markup(make: Callable[..., Path]) -> None:
    assert EVIL not in _search(make())


def test_a_search_whose_rungs_are_damaged_is_shown_without_them(make: Callable[..., Path]) -> None:
    page = _search(make(), rungs=[{"rung": None, "entering": {"a": EVIL}}, 7])
    assert "What the search found" in page
    assert EVIL not in page
