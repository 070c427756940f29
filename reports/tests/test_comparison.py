"""Run against run: the page shows what the harness found, and finds nothing itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_reports import ReportError, SchemaError, captions, render, write_report
from foresight_reports.comparison import Change, comparisons
from foresight_reports.reading import read_run
from foresight_reports.records import SCHEMA

KEYS = ["candidate", "suite", "dataset", "metric", "probe", "sentinel", "verdict"]
COLUMNS = [{"key": key, "label": key} for key in (*KEYS, "base", "head", "delta", "p_adjusted", "reason")]


def line(run: Path, metric: str = "iou", **changes: Any) -> dict[str, Any]:
    """A row about the first candidate's number, as the harness writes it."""
    lines = [json.loads(text) for text in (run / "records.jsonl").read_text().splitlines()]
    record = next(each for each in lines if each["metric"] == metric)
    keys = {name: record[name] for name in ("candidate", "suite", "dataset", "metric", "probe")}
    delta = {"value": -0.0321, "low": -0.05, "high": -0.0142, "n": 12, "method": "bootstrap-percentile-95"}
    judged = {"verdict": "regressed", "sentinel": True, "p_adjusted": 0.004, "reason": "", "delta": delta}
    return {**keys, "base": {"value": 0.5}, "head": {"value": 0.4679}, **judged, **changes}


def made(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    finding = "1 of 2 sentinels regressed against <old>, first iou."
    content = {"schema": SCHEMA, "kind": "regressions", "title": "Against old", "finding": finding, "inputs": {}}
    return {**content, "caveats": ["All 2 numbers: 1 regressed."], "columns": COLUMNS, "rows": list(rows), **changes}


def changes(now: Path, before: Path, *rows: dict[str, Any]) -> list[Change]:
    (found,) = comparisons([read_run(now), read_run(before, 1)], [made(*rows)])
    return list(found.changes)


def test_the_verdict_and_numbers_are_the_harnesss_own_words_and_digits(make: Callable[..., Path]) -> None:
    now, before = make(suites=("spatial",)), make(suites=("spatial",), shift=0.4)
    page = render([now, before], comparisons=[made(line(now, verdict="within noise"))]).html
    assert '<span class="chip within-noise">within noise</span>' in page
    assert 'data-v="-0.0321"' in page
    assert "corrected p 0.004; 12 pairs" in page
    assert "1 of 2 sentinels regressed against &lt;old&gt;, first iou." in page
    assert "All 2 numbers: 1 regressed." in page


def test_a_number_leads_to_its_records_in_both_runs(make: Callable[..., Path]) -> None:
    now, before = make(suites=("spatial",)), make(suites=("spatial",), shift=-0.1)
    (change,) = changes(now, before, line(now))
    assert change.now is not None
    assert change.before is not None
    assert change.now.value != change.before.value
    page = render([now, before], comparisons=[made(line(now))]).html
    assert page.count(f'href="#{change.before.anchor}"') >= 1


def test_what_could_not_be_compared_is_counted_by_its_reason(make: Callable[..., Path]) -> None:
    now, before = make(suites=("spatial",)), make(suites=("spatial",))
    absent = {"verdict": "not compared", "delta": None, "p_adjusted": None}
    rows = [line(now, name, **absent, reason="other dtype: a and b") for name in ("iou", "map50")]
    rows.append(line(now, "centre_error", **absent, reason="the baseline has no such cell"))
    (found,) = comparisons([read_run(now), read_run(before, 1)], [made(*rows)])
    assert found.compared == []
    assert captions.obstacles(found) == [
        "2 numbers not compared: other dtype: a and b.",
        "1 number not compared: the baseline has no such cell.",
    ]


def test_without_the_harnesss_comparison_the_page_judges_nothing_and_says_how_to_get_it(
    make: Callable[..., Path],
) -> None:
    now, before = make(suites=("spatial",)), make(suites=("spatial",), shift=-0.4)
    page = render([now, before]).html
    assert f"foresight-bench report {now.name} {before.name}" in page.replace("<wbr>", "")
    assert 'id="changes-1"' not in page


def test_a_comparison_for_each_further_run_is_demanded(make: Callable[..., Path]) -> None:
    runs = [make(suites=("spatial",)) for _ in range(3)]
    with pytest.raises(ReportError, match="1 comparisons for 2 further runs"):
        render(runs, comparisons=[made(line(runs[0]))])


def test_a_newer_comparison_is_refused(make: Callable[..., Path]) -> None:
    now, before = make(suites=("spatial",)), make(suites=("spatial",))
    with pytest.raises(SchemaError, match="the comparison with"):
        render([now, before], comparisons=[made(line(now), schema=SCHEMA + 1)])


def test_a_page_of_several_runs_goes_into_none_of_them(
    make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, before = make(suites=("spatial",)), make(suites=("spatial",))
    monkeypatch.chdir(tmp_path)
    files = sorted(tmp_path.rglob("*"))
    assert write_report([now, before]) == Path("comparison.html")
    assert sorted(tmp_path.rglob("*")) == sorted([*files, tmp_path / "comparison.html"])
    assert write_report([now]) == now / "report.html"
