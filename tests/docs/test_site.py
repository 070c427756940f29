"""``make docs``: strict, offline when built and when read."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = (ROOT / "Makefile").read_text(encoding="utf-8")


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """The command of the Makefile, from one folder to another."""
    (line,) = re.findall(r"^\t\$\(BIN\)/python (-m sphinx .*) docs site$", MAKE, re.MULTILINE)
    command = [sys.executable, *line.split(), str(source), str(target)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT / "docs", target)
    assert done.returncode == 0, done.stderr
    return target


def test_every_page_is_in_the_site_and_reached_from_its_front(site: Path) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        address = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert (site / address).is_file(), address
        assert address == "index.html" or f'href="{address}"' in front, address


class Fetched(HTMLParser):
    """Addresses that a browser fetches by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep ``src``, and ``href`` of anything but a link that is clicked."""
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster") or (name == "href" and tag == "link"):
                self.found.append(value or "")


def test_nothing_is_fetched_when_a_page_is_read(site: Path) -> None:
    outside = re.compile(r"^\s*(https?:)?//")
    for page in site.rglob("*.html"):
        parser = Fetched()
        parser.feed(page.read_text(encoding="utf-8"))
        assert [place for place in parser.found if outside.match(place)] == [], page
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", text), style


def test_a_broken_link_a_page_behind_its_source_and_a_fetched_picture_stop_the_build(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("__pycache__"))
    faults = "\n[a](nowhere.md) [b](gates.md#nowhere) [c](../nowhere.py) ![d](https://example.org/d.png)\n"
    with (source / "tour.md").open("a") as page:
        page.write(faults)
    (source / "hooks.md").write_text((source / "hooks.md").read_text().replace("Cost: cheap", "Cost: dear", 1))
    fields = source / "run-folder.md"
    fields.write_text(fields.read_text().replace("record -->\n| field |", "record -->\n| name |", 1))
    (source / "lonely.md").write_text("# Lonely\n")
    for kept in ("benchmarks", "kits", "plugins"):  # what pages link to outside of docs
        (tmp_path / kept).symlink_to(ROOT / kept)
    done = build(source, tmp_path / "site")
    assert done.returncode != 0
    for part in (
        "nowhere.md",
        "'nowhere'",
        "nowhere.py",
        "d.png is not in the tree",
        "hooks.md is behind its source",
        "run-folder.md is behind its source",
    ):
        assert part in done.stderr, (part, done.stderr)
    assert re.search(r"lonely\.md.*toctree", done.stderr)
