"""Handing written records to plugins that send them elsewhere. One that fails never fails the run, and is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Exporter = Callable[[Mapping[str, Any]], None]
"""Takes one record, as ``records.jsonl`` holds it."""


class Exporters:
    """The exporters of one process of a run.

    Args:
        exporters: Name of the plugin and its hook, in the order in which they are called.
    """

    def __init__(self, exporters: Sequence[tuple[str, Exporter]]) -> None:
        self._exporters = tuple(exporters)
        self.failures: dict[str, str] = {}
        """Plugin -> why it was stopped, in one line."""

    def send(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Hand each record, already written, to each exporter that has not failed so far.

        One that failed is not called again: a server that does not answer would cost every cell its time-out.
        """
        for record in records:
            for name, export in self._exporters:
                if name in self.failures:
                    continue
                try:
                    export(json.loads(json.dumps(record)))  # a copy: what one changes, the next must not see
                except (Exception, SystemExit) as error:  # whatever foreign code raises, the numbers are on disk
                    self.failures[name] = " ".join(f"{type(error).__name__}: {error}".split())[:300]

    def sentences(self) -> list[str]:
        """One line for each exporter that failed."""
        return [
            f"exporter {name} failed and was stopped ({reason}); the run folder holds every record"
            for name, reason in sorted(self.failures.items())
        ]
