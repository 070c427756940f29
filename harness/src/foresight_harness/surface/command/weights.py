"""``foresight-bench weights list|fetch|check``: published weights, and what of them is on this machine."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from foresight_harness.contracts.specs.weights import PublishedWeights
from foresight_harness.parts.weights.fetching.downloading import Told
from foresight_harness.parts.weights.folder import weights_folder
from foresight_harness.parts.weights.present_files import Standing, standing_of
from foresight_harness.planning.registry import load_registry
from foresight_harness.planning.registry.published_weights import chosen_weights, known_weights
from foresight_harness.surface.command.printing import console, print_json, print_table

EXAMPLES = (
    "foresight-bench weights list",
    "foresight-bench weights fetch lpips_alex",
    "foresight-bench weights check --json",
)
EVERY_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``fetch NAME...``, ``check [NAME...]``."""
    parser.add_argument("action", choices=("list", "fetch", "check"))
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="as `weights list` shows them; for list and check: all"
    )


def run(options: argparse.Namespace) -> int:
    """Print; ``fetch`` exits 1 where one could not be had, ``check`` where a file is here that is another."""
    registry = load_registry()
    if options.names:
        chosen = chosen_weights(registry, options.names)
    else:
        chosen = [] if options.action == "fetch" else list(known_weights(registry).values())
    if options.action == "fetch":
        return _fetch(chosen, options)
    rows = [row for weights in chosen for row in _rows(weights)]
    if options.action == "check":
        rows = [row for row in rows if options.names or row["state"] not in ("absent", "not listed")]
    if options.json:
        print_json({"folder": str(weights_folder()), "files": rows})
    else:
        shown = [{**row, "sha256": row["sha256"][:12], "commit": (row["commit"] or "")[:8]} for row in rows]
        columns = ["name", "state", "repository", "commit", "file", "sha256", "bytes", "license"]
        print_table(f"weights, fetched into {weights_folder()}", shown, columns)
    wrong = any(row["state"] == "wrong" for row in rows)
    absent = bool(options.names) and any(row["state"] == "absent" for row in rows)
    return int(options.action == "check" and (wrong or absent))


def _rows(weights: PublishedWeights) -> list[dict[str, Any]]:
    """One row a file; one for a repository whose files nobody lists."""
    facts = {
        "name": weights.name,
        "source": weights.source,
        "repository": weights.repository,
        "commit": weights.commit,
        "license": weights.license,
    }
    if not weights.files:
        return [{**facts, "file": "", "sha256": "", "bytes": None, "state": "not listed", "path": None, "found": None}]
    return [{**facts, **_file_row(weights, found)} for found in standing_of(weights)]


def _file_row(weights: PublishedWeights, found: Standing) -> dict[str, Any]:
    return {
        "file": found.entry.file,
        "sha256": weights.expected(found.entry),
        "bytes": found.entry.bytes,
        "state": found.state,
        "path": None if found.path is None else str(found.path),
        "found": found.sha256,
    }


def _fetch(chosen: list[PublishedWeights], options: argparse.Namespace) -> int:
    from foresight_harness.parts.weights.fetching.fetch import fetch_all

    licenses = {weights.name: weights.license for weights in chosen}
    done = []
    for fetched in fetch_all(chosen, _bar):
        done.append({**fetched._asdict(), "license": licenses[fetched.name]})
        if not options.json:
            told = f"weights {fetched.name}: {fetched.state}, {fetched.said}"
            ending = "" if fetched.state == "failed" else f" (licence: {licenses[fetched.name]})"
            console().print(told + ending, markup=False, highlight=False, soft_wrap=True)
    if options.json:
        print_json(done)
    elif not chosen:
        console().print(
            "weights fetch: name what to fetch; `foresight-bench weights list` shows the names", markup=False
        )
    return int(any(row["state"] == "failed" for row in done)) if chosen else 2


@contextmanager
def _bar(title: str) -> Iterator[Told]:
    """A bar on a terminal; else a line at most every few seconds. Both on standard error."""
    if not sys.stderr.isatty():
        yield _lines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _lines(title: str) -> Told:
    spoken = time.monotonic()

    def told(done: int, total: int | None) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= EVERY_S:
            spoken = time.monotonic()
            of = "" if total is None else f" of {total / 1e6:.0f}"
            print(f"{title}: {done / 1e6:.0f}{of} MB", file=sys.stderr)

    return told
