"""How long is a page, how many words does it say, and when is it ready? At this commit and at another, in turns.

    python benchmarks/perf/pages.py [--before REF] [--rounds 5] [--write]

Each tree renders its own generated runs (that of the smoke run's shape with pictures; 300 candidates and 20 metrics;
3,000 of them) with the makers of its own tests. A headless Chromium of 1280 x 800 px opens the pages of both in turns:
screens are the document's height over the window's as it is opened, words those of its visible text, and ready are the
seconds of processor time that the page's main thread takes until it says so, the median over rounds. Needs Chromium and
``pip install 'foresight-reports[browser]'``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from other_commit import ROOT, Side, environment, side, unpacked

RECORD = Path(__file__).with_suffix(".json")
WINDOW = {"width": 1280, "height": 800}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
LOOK = """() => ({
  screens: document.documentElement.scrollHeight / innerHeight,
  words: document.body.innerText.split(/\\s+/).filter(Boolean).length,
})"""
RENDER = """
import inspect, sys
from dataclasses import fields, replace
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from foresight_reports import write_report
from make_run import make_run
from run_plans import SMOKE, Plan, many
trained = {"weights": "nano"} if "weights" in {field.name for field in fields(Plan)} else {}
plans = {
    "smoke": replace(SMOKE, samples=12, pictures=10, **trained),
    "300 candidates": replace(many(300), pictures=0, samples=4, sampled=20),
    "3,000 candidates": replace(many(3000), pictures=0, samples=2, sampled=5),
}
for name, plan in plans.items():
    print(name, write_report([make_run(Path(sys.argv[2], name.replace(" ", "_")), plan)]), sep="\\t")
"""
"""Run in each tree: name and path of each page."""
MOST_SCREENS = 8
SHORT = ("smoke", "300 candidates")


def rendered(tree: Side, place: Path) -> dict[str, Path]:
    """Pages of a tree by name."""
    words = [sys.executable, "-c", RENDER, str(tree.root / "reports" / "tests"), str(place)]
    done = subprocess.run(words, env=environment(tree, place), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{tree.name}: its pages were not made\n{done.stderr[-2000:]}")
    told = (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    return {name: Path(path) for name, path in told}


def opened(browser: Any, file: Path) -> dict[str, float]:
    """What a fresh window finds of a page."""
    context = browser.new_context(viewport=WINDOW)
    try:
        page = context.new_page()
        probe = context.new_cdp_session(page)
        probe.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        metrics = {each["name"]: each["value"] for each in probe.send("Performance.getMetrics")["metrics"]}
        page.wait_for_timeout(500)  # what is drawn after the page is ready moves its height
        return {"ready_s": float(metrics["TaskDuration"]), **page.evaluate(LOOK)}
    finally:
        context.close()


def measured(pages: dict[str, dict[str, Path]], rounds: int) -> list[dict[str, Any]]:
    """A row a page, each side of it.

    Args:
        pages: Side to name to path; opened in turns.
        rounds: That are counted; the first, which starts the browser's own parts, is not.
    """
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        raise SystemExit("no Chromium on the path; install it: apt-get install chromium")
    names = list(pages["now"])
    found: dict[tuple[str, str], list[dict[str, float]]] = {(name, one): [] for name in names for one in pages}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        for number in range(rounds + 1):
            for name, one in found:
                looked = opened(browser, pages[one][name])
                found[name, one] += [looked] if number else []
        browser.close()
    return [{"page": name, **{one: row(found[name, one]) for one in pages}} for name in names]


def row(looks: list[dict[str, float]]) -> dict[str, Any]:
    """One side of a page."""
    return {
        "screens": round(looks[-1]["screens"], 1),
        "words": int(looks[-1]["words"]),
        "ready_s": round(statistics.median(look["ready_s"] for look in looks), 3),
        "rounds_ready_s": [round(look["ready_s"], 3) for look in looks],
    }


def main() -> None:
    """Render, open, print, and fail where a page that should be short is not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", metavar="REF", help="also the pages of this commit, in turns with today's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        trees = {"now": side("now", ROOT, place / "now-metadata")}
        if arguments.before:
            root = unpacked(arguments.before, place / "before")
            trees["before"] = side("before", root, place / "before-metadata")
        pages = {name: rendered(tree, place / f"{name}-pages") for name, tree in trees.items()}
        rows = measured(pages, arguments.rounds)
    found = {"command": " ".join(["python benchmarks/perf/pages.py", *sys.argv[1:]]), "load": load}
    found |= {"before": arguments.before, "window_px": WINDOW, "rows": rows}
    print(json.dumps(found, indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    long = [row["page"] for row in rows if row["page"] in SHORT and row["now"]["screens"] > MOST_SCREENS]
    if long:
        sys.exit(f"over {MOST_SCREENS} screens: {', '.join(long)}")


if __name__ == "__main__":
    main()
