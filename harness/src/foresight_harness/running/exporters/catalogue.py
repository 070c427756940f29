"""Which trackers there are, and whether what the user names can be had. Imports none of their libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from foresight_harness.contracts.errors import UsageError
from foresight_harness.running.exporters.tracker import Tracker


@dataclass(frozen=True)
class ExporterEntry:
    """One name of ``--export``: also the name of the extra and of the library."""

    module: str
    """Holds the class ``Tracker`` of this exporter."""
    needs: tuple[str, ...]
    """Packages that must be installed, by import name."""


EXPORTERS: Mapping[str, ExporterEntry] = {
    "mlflow": ExporterEntry("foresight_harness.running.exporters.to_mlflow", ("mlflow", "sqlalchemy", "alembic")),
    "trackio": ExporterEntry("foresight_harness.running.exporters.to_trackio", ("trackio",)),
    "wandb": ExporterEntry("foresight_harness.running.exporters.to_wandb", ("wandb",)),
}


def check_exports(names: Iterable[str], option: str = "--export") -> None:
    """Refuse a name that no exporter has; ``option`` is what was typed before it. Raises: UsageError."""
    for name in names:
        if name not in EXPORTERS:
            raise UsageError(f"{option} {name}: unknown; choose one of {', '.join(sorted(EXPORTERS))}")


def check_installed(names: Iterable[str], option: str = "--export") -> None:
    """Refuse an exporter whose library is absent from this process, without importing it. Raises: UsageError."""
    for name in names:
        absent = [package for package in EXPORTERS[name].needs if find_spec(package) is None]
        if absent:
            raise UsageError(
                f"{option} {name}: {' and '.join(absent)} not installed; pip install 'foresight-harness[{name}]'"
            )


def chosen_trackers(names: Iterable[str], out: Path, run: str, facts: Mapping[str, str]) -> tuple[Tracker, ...]:
    """A tracker for each name, once each; nothing is opened before the first record.

    Args:
        names: as given to ``--export``.
        out: where run folders are written: local stores are kept beside them.
        run: the run's id.
        facts: about the whole run; they go with every candidate.
    """
    found = []
    for name in dict.fromkeys(names):
        make = cast("type[Tracker]", import_module(EXPORTERS[name].module).Tracker)
        found.append(make(out.absolute(), run, facts))
    return tuple(found)
