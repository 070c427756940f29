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
FILLED = """() => [...document.querySelectorAll('details.candidate[open] .inside')].every(
  (each) => each.childElementCount)"""
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


FIXED_WORK = """() => {
  const counts = new Map();
  for (let i = 0; i < 1_000_000; i++) {
    const name = `name${i % 997}`;
    counts.set(name, (counts.get(name) ?? 0) + name.length);
  }
}"""
STATED_S = 0.1
"""What that takes a page's main thread on the machine for which limits of processor time are stated."""
PATIENCE_MS = 120_000
"""How long a condition of the page may take: it ends a hanging test, and never judges a busy machine."""


@pytest.fixture(scope="session")
def expect() -> Callable[..., Any]:
    """Playwright's assertions, which look again until they hold: what follows a click is never read at once."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="browser tests left out: pip install 'foresight-reports[browser]'"
    )
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    said: Callable[..., Any] = sync_api.expect
    return said


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

    With ``timed``, ``page.spent`` are the seconds of processor time that its main thread took until it was ready, as it
    were on the machine for which limits are stated: a fixed piece of work just before tells a slower one.
    A page of which no script ``says_ready`` is not waited for. With ``unfolded`` all sections and tables are opened.
    ``page.settle()`` waits until whatever is open now is drawn and filled.
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
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.complaints = []
        page.settle = lambda: [page.wait_for_function(each) for each in (DRAWN, FILLED)]
        page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda r: None if _own(r.url) else page.complaints.append(f"request for {r.url}"))
        if timed:
            probe = context.new_cdp_session(page)
            probe.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.evaluate(FIXED_WORK)
            slowness = max(1.0, _spent(probe) / STATED_S)
        page.goto(file.as_uri() + anchor)
        if scripts and says_ready:
            page.wait_for_selector("html[data-ready]", state="attached")
        if unfolded:
            page.evaluate(UNFOLD)
            page.settle()
        if timed:
            page.spent = _spent(probe) / slowness
        return page

    yield open_page
    for context in contexts:
        context.close()


def _spent(probe: Any) -> float:
    """Seconds of processor time of the page's main thread."""
    found = {each["name"]: each["value"] for each in probe.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


def _own(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))
