"""pytest-xdist and benchmark cells: its workers are sessions of their own, so one command would write several runs."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from foresight_harness.surface.pytest_plugin.state import FIXTURE

REFUSED = "foresight_refused"
"""Key under which a worker tells the session that it was asked for cells."""


def refusal(config: pytest.Config) -> str:
    """What to do instead, in one line."""
    count = config.getoption("numprocesses", None)
    many = count if isinstance(count, int) and count > 0 else "N"
    return (
        f"-n {many}: benchmark cells share encoders and belong to one run, which workers of pytest-xdist would cut "
        f"into pieces; use --engine local:{many} instead (and -n 0 where addopts sets -n)"
    )


def is_distributed(config: pytest.Config) -> bool:
    """Whether pytest-xdist hands the tests of this session to workers."""
    if hasattr(config, "workerinput"):
        return False
    if config.getoption("collectonly", False):
        return False
    count, places = config.getoption("numprocesses", None), config.getoption("tx", None)
    return bool(count) or (bool(places) and config.getoption("dist", "no") != "no")


def asks_for_cells(config: pytest.Config) -> bool:
    """Whether a test file of this session has a test that scores cells: read, not imported, before any work.

    Tests that reach the fixture by another one are found by the workers; see ``refuse_on_worker``.
    """
    patterns = [str(pattern) for pattern in config.getini("python_files")]
    return any(_scores(path) for path in _files(config.args, patterns, config.getini("norecursedirs")))


def _files(arguments: Sequence[Any], patterns: Sequence[str], skipped: Sequence[str]) -> Iterator[Path]:
    for argument in arguments:
        place = Path(str(argument).partition("::")[0])
        if not place.exists():
            place = _package(str(argument))
        if place.is_file():
            yield place
            continue
        for path in sorted(place.rglob("*.py")) if place.is_dir() else ():
            inside = path.relative_to(place).parts[:-1]
            if any(fnmatch(path.name, pattern) for pattern in patterns) and not any(
                fnmatch(folder, skip) for folder in inside for skip in skipped
            ):
                yield path


def _package(name: str) -> Path:
    """Where the package of ``--pyargs NAME`` lies."""
    try:
        found = importlib.util.find_spec(name.partition("::")[0].replace("/", "."))
    except (ImportError, ValueError):
        return Path(name)
    origin = found.origin if found is not None else None
    if origin is None:
        return Path(name)
    return Path(origin).parent if Path(origin).name == "__init__.py" else Path(origin)


def _scores(path: Path) -> bool:
    try:
        source = path.read_text(encoding="utf-8")
        if FIXTURE not in source:
            return False
        tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError):  # pytest says so when it collects the file
        return False
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return any(FIXTURE in [argument.arg for argument in node.args.args + node.args.kwonlyargs] for node in functions)


def refuse_on_worker(config: pytest.Config, items: list[pytest.Item]) -> bool:
    """On a worker, take the tests that score cells away and tell the session why; whether this is a worker."""
    if not hasattr(config, "workerinput"):
        return False
    cells = [item for item in items if FIXTURE in getattr(item, "fixturenames", ())]
    if cells:
        config.hook.pytest_deselected(items=cells)
        items[:] = [item for item in items if item not in cells]
        config.workeroutput[REFUSED] = True  # type: ignore[attr-defined]
    return True
