"""Generated runs and a headless browser for the tests of the report."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foresight_reports import write_report
from make_run import make_run
from run_plans import SMOKE, TINY, Plan, many

UNFOLD = "document.querySelectorAll('.fold > details, .board > details').forEach((each) => (each.open = true))"
DRAWN = """() => [...document.querySelectorAll('[data-plot]')].every(
  (each) => each.parentElement.closest('details:not([open])') || each.querySelector('svg'))"""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Plan], Path]:
    """Write each plan once: the parquet files of a run are most of a test's time."""
    folders: dict[str, Path] = {}

    def build(plan: Plan) -> Path:
        if repr(plan) not in folders:
            folders[repr(plan)] = make_run(tmp_path_factory.mktemp("written") / plan.name, plan)
        return folders[repr(plan)]

    return build


@pytest.fixture
def make(tmp_path: Path, written: Callable[[Plan], Path]) -> Callable[..., Path]:
    """Give a small run of its own with changes to its plan, each under its own name."""
    made: list[Path] = []

    def build(**changes: Any) -> Path:
        plan = replace(TINY, **{"name": f"20261121T0045{len(made):02d}Z_963ed9c_000{len(made)}", **changes})
        made.append(Path(shutil.copytree(written(plan), tmp_path / plan.name)))
        return made[-1]

    return build


@pytest.fixture(scope="session")
def smoke_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a smoke-like run with pictures; of random weights alone a page would show no charts."""
    plan = replace(SMOKE, weights="nano", samples=12, pictures=10)
    return write_report([make_run(tmp_path_factory.mktemp("runs") / "smoke", plan)])


@pytest.fixture(scope="session")
def many_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with 300 candidates and 20 metrics, without pictures."""
    plan = replace(many(300), pictures=0, samples=4, sampled=20)
    return write_report([make_run(tmp_path_factory.mktemp("runs") / "many", plan)])


@pytest.fixture(scope="session")
def huge_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with 3,000 candidates and 20 metrics, without pictures."""
    plan = replace(many(3000), pictures=0, samples=2, sampled=5)
    return write_report([make_run(tmp_path_factory.mktemp("runs") / "huge", plan)])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium through Playwright, or one clear line that says what is left out."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("browser tests left out: no Chromium on the path. Install it with: apt-get install chromium")
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="browser tests left out: pip install 'foresight-reports[browser]'"
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a report; what the browser complained about or asked the network for is in ``page.complaints``.

    With ``timed``, ``page.spent`` are the seconds of processor time that its main thread took until it was ready.
    A page of which no script ``says_ready`` is not waited for. With ``unfolded`` all sections and tables are opened.
    """
    contexts: list[Any] = []

    def open_page(
        file: Path,
        theme: str = "light",
        width: int = 1400,
        height: int = 900,
        scripts: bool = True,
        anchor: str = "",
        timed: bool = False,
        says_ready: bool = True,
        unfolded: bool = False,
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda r: None if _own(r.url) else page.complaints.append(f"request for {r.url}"))
        if timed:
            probe = context.new_cdp_session(page)
            probe.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(file.as_uri() + anchor)
        if scripts and says_ready:
            page.wait_for_selector("html[data-ready]", state="attached")
        if unfolded:
            page.evaluate(UNFOLD)
            page.wait_for_function(DRAWN)
        if timed:
            found = {each["name"]: each["value"] for each in probe.send("Performance.getMetrics")["metrics"]}
            page.spent = found["TaskDuration"]
        return page

    yield open_page
    for context in contexts:
        context.close()


def _own(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))
