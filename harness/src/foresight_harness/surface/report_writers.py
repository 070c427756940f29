"""Report writers by entry point: the file format is the only tie between the harness and what draws its runs."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from foresight_harness.contracts.errors import UsageError

GROUP = "foresight_report"
INSTALL = "pip install foresight-reports"


def reporter(name: str) -> Callable[..., Any]:
    """What the installed report package offers under a name: ``html``, ``figure`` or ``tables``.

    Raises:
        UsageError: when none is installed.
    """
    for point in entry_points(group=GROUP):
        if point.name == name:
            found: Callable[..., Any] = point.load()
            return found
    raise UsageError(f"no report writer for {name!r} is installed ({INSTALL})")


def is_for_the_user(error: BaseException) -> bool:
    """Whether an error of a report writer is one line meant for the user: no class of it can be imported here."""
    return any(base.__name__ == "ReportError" for base in type(error).__mro__)
