"""Reads Foresight run folders and writes one self-contained HTML page. Imports nothing of the harness."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from foresight_reports.errors import ReportError, RunFolderError, SchemaError, SizeError

__all__ = ["Rendered", "ReportError", "RunFolderError", "SchemaError", "SizeError", "render", "write_report"]

SINGLE_FILE_LIMIT = 15 * 2**20
"""Bytes that a single file may have: a page that is mailed or attached to a build."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rendered:
    """A page, and in folder mode the pictures and ``data.js`` beside it, by their path."""

    html: str
    files: Mapping[str, bytes]


def render(
    runs: Sequence[Path],
    *,
    mode: Literal["single", "folder"] = "single",
    beside: Path | None = None,
    comparisons: Sequence[Mapping[str, Any]] = (),
) -> Rendered:
    """Render run folders: a pure function of what is in them, the same bytes every time.

    Args:
        runs: The run that the page is about, then any runs it is compared with.
        mode: ``single`` inlines pictures and packed data, ``folder`` leaves them beside the page.
        beside: The folder that the page will lie in, for its links into the run folders; the first run's by default.
        comparisons: What the harness found of the first run against each further one, as ``foresight-bench compare
            --json`` prints it. The page draws them and judges nothing itself.

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
    html = build_page(read, store, [_link(run.path, base) for run in read], comparisons)
    size = len(html.encode("utf-8", "replace")) + store.left_out
    if mode == "single" and (store.left_out or size > SINGLE_FILE_LIMIT):
        raise SizeError(
            f"The page would have {size / 2**20:.1f} MiB, a single file may have 15. Write it in folder mode."
        )
    return Rendered(html, dict(store.files))


def write_report(
    runs: Sequence[Path],
    output: Path | None = None,
    folder: bool = False,
    comparisons: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the page and give its path; one that is too large for a single file is written as a folder, and says so.

    Args:
        runs: The run that the page is about, then any runs it is compared with.
        output: The file to write, or in folder mode the folder. By default ``report.html`` or ``report/`` in the
            run; a page of several runs belongs to none of them and is ``comparison.html`` in the working folder. A
            page that turns out too large goes into the folder of that name without its ending.
        folder: Whether pictures and data lie beside the page instead of inside it.
        comparisons: As for ``render``.

    A file instead of a run folder is a decision, as ``foresight-bench decide`` writes it: its page is written.
    """
    if not runs:
        raise RunFolderError("No run folder was given. Name at least one, such as runs/latest.")
    read = [Path(run) for run in runs]
    if len(read) == 1 and read[0].is_file():
        from foresight_reports.decision import write_decision

        return write_decision(read[0], Path(output) if output is not None else read[0].with_suffix(".html"))
    target = Path(output) if output is not None else _default(read, folder)
    if not folder:
        try:
            return _put(target, render(read, beside=target.parent, comparisons=comparisons))
        except SizeError as error:
            # A page of an earlier rendering must not stand beside the one that is written now.
            target.unlink(missing_ok=True)
            target = target.with_suffix("") if target.suffix else target.with_name(f"{target.name}-folder")
            _log.warning("%s It was written as the folder %s.", str(error).split(" Write it")[0], target)
    return _put(target / "index.html", render(read, mode="folder", beside=target, comparisons=comparisons))


def _default(runs: Sequence[Path], folder: bool) -> Path:
    """Where a page goes: a run keeps its own, and nothing is written into runs that are only read."""
    if len(runs) > 1:
        return Path("comparison" if folder else "comparison.html")
    return runs[0].resolve() / ("report" if folder else "report.html")


def _put(page: Path, rendered: Rendered) -> Path:
    """Write a page and what lies beside it."""
    for name, data in {page.name: rendered.html.encode("utf-8", "replace"), **rendered.files}.items():
        file = page.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return page


def _link(folder: Path, base: Path) -> str:
    relative = os.path.relpath(folder, base).replace(os.sep, "/")
    return "" if relative == "." else f"{relative}/"
