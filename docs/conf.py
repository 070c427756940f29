"""The documentation site: Sphinx with MyST and Furo. ``make docs`` builds it; nothing is fetched, then or when read."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generated import PAGES  # noqa: E402

project = "Foresight harness"
author = "The Foresight authors"
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
highlight_language = "none"
pygments_style = "default"
pygments_dark_style = "github-dark"

LOG = logging.getLogger(__name__)
"""``make docs`` makes every warning an error."""


class NothingFetched(SphinxPostTransform):
    """Refuses a picture that would be fetched when the page is read."""

    default_priority = 500

    def run(self, **kwargs: Any) -> None:
        """Called once a page."""
        for picture in self.document.findall(nodes.image):
            if "://" in picture["uri"]:
                LOG.warning("picture %s is not in the tree", picture["uri"], location=picture)


LINK_OUT = re.compile(r"\[([^\]]+)\]\(\.\./([^)#\s]+)[^)]*\)")
"""A link from a page to a file of the repository that is no page."""


def name_files(app: Sphinx, page: str, source: list[str]) -> None:
    """Name a file of the repository where a page links to it: the site is read without one."""
    for place in LINK_OUT.findall(source[0]):
        if not (HERE.parent / place[1]).exists() and "/" not in page:
            LOG.warning("docs/%s.md links to %s, which is not there", page, place[1])
    if "/" not in page:
        source[0] = LINK_OUT.sub(r"\1 (`\2` in the repository)", source[0])


def check_generated(app: Sphinx) -> None:
    """Refuse a generated page that is behind its source."""
    for name, render in PAGES.items():
        if (HERE / name).read_text(encoding="utf-8") != render():
            LOG.warning("docs/%s is behind its source; run: python docs/generated.py", name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", check_generated)
    app.connect("source-read", name_files)
    app.add_post_transform(NothingFetched)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
