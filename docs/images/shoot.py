"""Take the README's picture of a report: ``python docs/images/shoot.py [runs/latest/report.html]``. Needs Chromium."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    """Write ``report.png`` beside this file."""
    page_path = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/latest/report.html").resolve()
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("no Chromium found; install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1150}, color_scheme="light")
        page.goto(page_path.as_uri())
        page.wait_for_selector("html[data-drawn]", state="attached")
        page.screenshot(path=HERE / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
