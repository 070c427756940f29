"""Reads Foresight run folders and writes one self-contained HTML page. Imports nothing of the harness."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foresight_reports.errors import ReportError, RunFolderError, SchemaError, SizeError

__all__ = ["Rendered", "ReportError", "RunFolderError", "SchemaError", "SizeError", "render", "write_report"]

SINGLE_FILE_LIMIT = 15 * 2**20
"""Bytes that a single file may have: a page that is mailed or attached to a build."""


@dataclass(frozen=True)
class Rendered:
    """A page, and in folder mode the pictures beside it, by their path."""

    html: str
    files: Mapping[str, bytes]


def render(
    runs: Sequence[Path], *, mode: Literal["single", "folder"] = "single", beside: Path | None = None
) -> Rendered:
    """Render run folders: a pure function of what is in them, the same bytes every time.

    Args:
        runs: The run that the page is about, then any runs it is compared with.
        mode: ``single`` inlines the pictures, ``folder`` leaves them beside the page.
        beside: The folder that the page will lie in, for its links into the run folders; the first run's by default.

    Raises:
        RunFolderError: when a folder holds no readable manifest, or no run is given.
        SchemaError: when a file was written with a newer schema.
        SizeError: when a single file would be larger than its limit.
    """
    from foresight_reports.page import build_page
    from foresight_reports.pictures import PictureStore
    from foresight_reports.reading import read_run

    if not runs:
        raise RunFolderError("No run folder was given. Name at least one, such as runs/latest.")
    read = [read_run(Path(path), place) for place, path in enumerate(runs)]
    names = [run.name for run in read]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RunFolderError(f"The run {twice} was given twice. Name each run once.")
    base = read[0].path if beside is None else beside.resolve()
    store = PictureStore(inline=mode == "single")
    html = build_page(read, store, [_link(run.path, base) for run in read])
    if mode == "single" and len(html.encode("utf-8", "replace")) > SINGLE_FILE_LIMIT:
        size = len(html.encode("utf-8", "replace")) / 2**20
        raise SizeError(f"The page would have {size:.1f} MiB, a single file may have 15. Write it in folder mode.")
    return Rendered(html, dict(store.files))


def write_report(runs: Sequence[Path], output: Path | None = None, folder: bool = False) -> Path:
    """Write the page and give its path.

    Args:
        runs: The run that the page is about, then any runs it is compared with.
        output: The file to write, or in folder mode the folder. By default ``report.html`` or ``report/`` in the
            first run.
        folder: Whether the pictures lie beside the page instead of inside it.
    """
    if not runs:
        raise RunFolderError("No run folder was given. Name at least one, such as runs/latest.")
    first = Path(runs[0]).resolve()
    target = Path(output) if output is not None else first / ("report" if folder else "report.html")
    page = target / "index.html" if folder else target
    rendered = render([Path(run) for run in runs], mode="folder" if folder else "single", beside=page.parent)
    page.parent.mkdir(parents=True, exist_ok=True)
    for name, data in rendered.files.items():
        file = page.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    page.write_bytes(rendered.html.encode("utf-8", "replace"))
    return page


def _link(folder: Path, base: Path) -> str:
    relative = os.path.relpath(folder, base).replace(os.sep, "/")
    return "" if relative == "." else f"{relative}/"
