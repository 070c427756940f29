"""A finished run in Python: records, tables, samples, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.report_writers import reporter

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("candidate", "suite", "dataset", "metric", "probe", "value", "ci_low", "ci_high", "ci_method", "n", "unit"),
    *("direction", "floor", "ceiling", "role", "status", "gateable", "controls_ok", "protocol", "cell", "error"),
)
"""Of ``Run.frame``, in this order; everything else is in ``Run.records``."""


@dataclass(frozen=True)
class Run:
    """A run folder: what was measured, and what came of it."""

    path: Path

    @cached_property
    def _data(self) -> RunData:
        return RunData.load(self.path)

    @property
    def id(self) -> str:
        """Name of the run."""
        return self.path.name

    @property
    def manifest(self) -> Mapping[str, Any]:
        """``run.json``."""
        return self._data.manifest

    @property
    def records(self) -> Sequence[Record]:
        """One a measured number, in the order in which cells ended."""
        return self._data.records

    @property
    def failures(self) -> Sequence[Record]:
        """One a cell that gave no number: ``status`` and ``error`` say why."""
        return tuple(record for record in self._data.all_records if not record.ok)

    def frame(self) -> pd.DataFrame:
        """Records and failures as a table, one a row, with the columns ``COLUMNS``."""
        import pandas

        rows = [[_entry(record, name) for name in COLUMNS] for record in self._data.all_records]
        return pandas.DataFrame(rows, columns=list(COLUMNS))

    def samples(
        self,
        candidate: str | None = None,
        suite: str | None = None,
        metric: str | None = None,
        dataset: str | None = None,
        probe: str | None = None,
    ) -> pd.DataFrame:
        """Per-sample values, one a row: candidate, suite, dataset, metric, probe, seed, sample, group, value.

        Args:
            candidate: Only of this candidate string; None is all. The others likewise.

        Raises:
            RunFolderError: where a sample file is damaged.
        """
        import pandas

        wanted = {"candidate": candidate, "suite": suite, "metric": metric, "dataset": dataset, "probe": probe}
        chosen = self._data.select(**{name: value for name, value in wanted.items() if value is not None})
        rows = []
        for record in chosen:
            found = self._data.values(record)
            if found is None:
                continue
            about = [record.candidate, record.suite, record.dataset, record.metric, record.probe]
            for seed, values in zip(found.seeds, found.values, strict=True):
                for sample, group, value in zip(found.samples, found.groups, values, strict=True):
                    rows.append([*about, seed, sample, group, float(value)])
        names = ["candidate", "suite", "dataset", "metric", "probe", "seed", "sample", "group", "value"]
        return pandas.DataFrame(rows, columns=names)

    def report(self) -> Path:
        """Write the page anew and say where it is. Raises: UsageError where no report writer is installed."""
        return Path(reporter("html")([self.path]))


def _entry(record: Record, column: str) -> Any:
    """A field as a table shows it: what a failed cell does not have is None there, never 0 or an empty text."""
    value = getattr(record, column)
    return value if record.ok else value or None


def open_run(path: str | Path) -> Run:
    """A run folder by its path, or by what the command calls it below ``runs/`` (an id, its start, ``latest``).

    Raises:
        UsageError: where there is none.
        RunFolderError: where it is damaged or of a newer schema.
    """
    folder = Path(path)
    run = Run(folder.resolve() if (folder / "run.json").is_file() else find_run(Path("runs"), str(path)))
    run.manifest  # noqa: B018  damage is said now, not at the first use
    return run
