"""Report writers by entry point: the file format is the only tie between the harness and what draws its runs."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError

GROUP = "foresight_report"
INSTALL = "pip install foresight-reports"


def reporter(name: str) -> Callable[..., Any]:
    """What the installed report package offers under a name: ``html``, ``figure``, ``curve`` or ``tables``.

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


def rendering_error(error: Exception) -> UsageError:
    """What the user is told where a run cannot be drawn: the writer's own line, else what it stumbled over.

    A run folder is data: one that is damaged must end in a line, and what is damaged is for ``verify`` to name.
    """
    if is_for_the_user(error):
        return UsageError(str(error))
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return UsageError(f"the run cannot be drawn ({reason}); foresight-bench verify names what is damaged in it")


def write_report(run: Path) -> tuple[Path | None, str | None]:
    """Render a run with the installed report writer; a missing or failing one never fails a run, and says so."""
    try:
        return Path(reporter("html")([run])), None
    except UsageError as error:
        return None, str(error)
    except Exception as error:  # the numbers stand without their page, and the page can be rendered again
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return None, f"the report could not be written ({reason[:300]}); try foresight-bench report {run}"
