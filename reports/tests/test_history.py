"""A history as a page: drawn where it should be, self-contained, escaped, read without a pointer."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from foresight_reports.history import HEIGHT, LEFT, RIGHT, TOP, WIDTH, drawn, write_history

HOSTILE = "</style><script>window.harmed=1</script><img src=x onerror=window.harmed=1>\"'\u202e" + "x" * 5_000


def series(values: list[float], **changes: Any) -> dict[str, Any]:
    points = [
        {
            **{"run": f"run_{place}", "started": f"2026-01-{place + 1:02d}T00:00:00+00:00", "sha": f"{place:040x}"},
            **{"machine": "m0", "fingerprint": "f0", "direction": "higher", "value": value},
            **{"low": value - 0.1, "high": value + 0.1},
        }
        for place, value in enumerate(values)
    ]
    named = {"candidate": "dinov2_tiny@last/identity/single/linear", "suite": "spatial", "dataset": "shapes"}
    return {
        **named,
        "metric": "iou",
        "probe": "dense_ridge",
        "protocol": "p0",
        "weights": "random",
        "points": points,
        "steps": [],
    } | changes


def step(run: str, verdict: str = "worse") -> dict[str, Any]:
    return {
        **{"before": 0.5, "after": 0.3, "verdict": verdict, "run": run},
        **{"after_commit": "a" * 40, "by_commit": "b" * 40},
    }


def test_points_steps_and_scale_stand_where_a_hand_puts_them() -> None:
    drawing = drawn(series([0.5, 0.5, 0.3], steps=[step("run_2")]))
    assert [point.x for point in drawing.points] == [LEFT, LEFT + (WIDTH - LEFT - RIGHT) / 2, WIDTH - RIGHT]
    assert drawing.points[0].high == pytest.approx(TOP)  # 0.6, the end of the scale
    assert drawing.points[2].low == pytest.approx(HEIGHT - 24)  # 0.2, the other end
    assert drawing.points[0].y == pytest.approx(TOP + (HEIGHT - TOP - 24) / 4)
    assert [text for _, text in drawing.ticks] == ["0.2", "0.4", "0.6"]
    ((place, verdict),) = drawing.steps
    assert (place, verdict) == (pytest.approx((drawing.points[1].x + drawing.points[2].x) / 2), "worse")


@pytest.mark.parametrize("values", [[0.0], [0.25], [0.25, 0.25]])
def test_one_run_and_equal_runs_are_drawn(values: list[float]) -> None:
    flat = series(values)
    for row in flat["points"]:
        row |= {"low": None, "high": None}
    drawing = drawn(flat)
    assert all(TOP < point.y < HEIGHT and LEFT <= point.x <= WIDTH for point in drawing.points)


def test_the_page_holds_every_number_step_and_series(tmp_path: Path) -> None:
    one = series([0.5] * 7 + [0.3] * 7, steps=[step("run_7")])
    page = write_history([one, series([0.1], protocol="p1")], tmp_path / "deep" / "history.html")
    text = page.read_text(encoding="utf-8")
    assert text.count('<tr><th scope="row">') == 15
    assert len(re.findall(r'class="step-mark worse"', text)) == 1
    assert f"after <code>{'a' * 12}</code>, by <code>{'b' * 12}</code>" in text
    assert "No step in 1 run; steps are looked for from eight runs on." in text
    assert "protocol <code>p1</code>" in text
    assert text.count('<span class="chip random">random weights</span>') == 2
    again = write_history([one, series([0.1], protocol="p1")], tmp_path / "again.html")
    assert again.read_bytes() == page.read_bytes()


def test_a_page_asks_nothing_of_the_network_and_runs_no_script(tmp_path: Path) -> None:
    text = write_history([series([0.5])], tmp_path / "history.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|\bsrc=|https?://|@import|url\(|\son\w+=|\sstyle=", text)
    assert "default-src 'none'" in unescape(text)


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    hostile = dict.fromkeys(("candidate", "suite", "dataset", "metric", "probe", "protocol", "weights"), HOSTILE)
    bad = series([0.5], steps=[step(HOSTILE, HOSTILE)], **hostile)
    bad["points"][0] |= dict.fromkeys(("run", "started", "sha", "machine", "fingerprint", "direction"), HOSTILE)
    text = write_history([bad, bad], tmp_path / "history.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_complaints_and_no_accessibility_violations(
    visit: Callable[..., Any], tmp_path: Path, theme: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="accessibility left out: pip install 'foresight-reports[browser]'",
    )
    long = series([0.5] * 7 + [0.3] * 7, candidate="a_very_long_encoder_name@tap+" * 8, steps=[step("run_7")])
    up = series([0.1, 0.2], steps=[step("run_1", "better")])
    page = visit(write_history([long, up], tmp_path / "history.html"), theme=theme, width=400, says_ready=False)
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
