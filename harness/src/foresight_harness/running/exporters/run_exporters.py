"""Handing written records to plugins and to the trackers of ``--export``. One that fails never fails the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from foresight_harness.contracts.text import without_secrets
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plugin_calls import is_interrupt
from foresight_harness.planning.registry import Registry
from foresight_harness.running.exporters.catalogue import chosen_trackers
from foresight_harness.running.exporters.tracker import Tracker
from foresight_harness.running.exporters.tracker_terms import about_run
from foresight_harness.running.lifecycle.sealing import resealed
from foresight_harness.running.run_folder.folder import RunFolder
from foresight_harness.running.run_folder.run_data import RunData

Exporter = Callable[[Mapping[str, Any]], None]
"""Takes one record, as ``records.jsonl`` holds it."""


class Exporters:
    """The exporters of a run; they live in the process that keeps the run, whichever process wrote a record.

    Args:
        folder: of the run; what ``records.jsonl`` holds already, from before a ``--resume``, was sent then.
        plugins: name of each plugin and its hook, in the order in which they are called.
        trackers: what ``--export`` names; called after the plugins, and closed with the run.
        from_start: send what was written before, too.
    """

    def __init__(
        self,
        folder: Path,
        plugins: Sequence[tuple[str, Exporter]],
        trackers: Sequence[Tracker] = (),
        *,
        from_start: bool = False,
    ) -> None:
        self._trackers = {tracker.name: tracker for tracker in trackers}
        self._exporters = (*plugins, *((name, one.foresight_record) for name, one in self._trackers.items()))
        self._path = folder / "records.jsonl"
        self._run = folder.name
        self._seen = self._path.stat().st_size if self._path.is_file() and not from_start else 0
        self.sent = {name: 0 for name, _ in self._exporters}
        """Exporter -> records that it took."""
        self.failures: dict[str, str] = {}
        """Exporter -> why it was stopped, in one line."""

    def catch_up(self) -> None:
        """Send every whole line of ``records.jsonl`` that was not sent so far, whoever wrote it."""
        if not self._exporters or not self._path.is_file():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._seen)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._seen += len(whole) + len(newline)
        for line in whole.decode("utf-8").split("\n"):
            if line:
                self._send(line)

    def _send(self, line: str) -> None:
        """Hand a record to each exporter that has not failed so far, each with a copy of its own.

        One that failed is not called again: a server that does not answer would cost every cell its time-out.
        """
        for name, export in self._exporters:
            if name not in self.failures and self._survives(name, partial(export, json.loads(line))):
                self.sent[name] += 1

    def close(self, status: str) -> None:
        """Send what is left and end what ``--export`` opened. ``complete`` or ``interrupted``"""
        self.catch_up()
        for name, tracker in self._trackers.items():
            if name not in self.failures:
                self._survives(name, partial(tracker.close, status))

    def _survives(self, name: str, action: Callable[[], object]) -> bool:
        try:
            action()
        except BaseException as error:  # whatever foreign code raises, the numbers are on disk
            if is_interrupt(error):
                raise
            self.failures[name] = without_secrets(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
        return name not in self.failures

    def facts(self) -> list[dict[str, Any]]:
        """For the manifest: each exporter with its place, the records that it took, and why it was stopped."""
        return [
            {
                "name": name,
                "place": without_secrets(self._trackers[name].place) if name in self._trackers else None,
                "records": self.sent[name],
                "error": self.failures.get(name),
            }
            for name, _ in self._exporters
        ]

    def sentences(self) -> list[str]:
        """One line for each exporter that failed."""
        return [
            f"exporter {name} failed and was stopped ({reason}); the run folder holds every record"
            + (f", and foresight-bench export {self._run} {name} sends them" if name in self._trackers else "")
            for name, reason in sorted(self.failures.items())
        ]

    def places(self) -> list[str]:
        """One line for each tracker that took what it was sent."""
        return [
            f"exported to {name}: {self.sent[name]} records in {without_secrets(tracker.place)}"
            for name, tracker in self._trackers.items()
            if name not in self.failures
        ]


def exporters_of(
    folder: RunFolder, registry: Registry, options: RunOptions, facts: Mapping[str, Any], *, attached: bool
) -> Exporters:
    """Plugins and what ``--export`` names; none in a worker (``attached``), so that no record is sent twice."""
    if attached:
        return Exporters(folder.path, ())
    told = about_run(folder.run_id, facts["command"], options.scale, facts["environment"], facts["hardware"])
    return Exporters(
        folder.path, registry.exporters, chosen_trackers(options.exports, options.out, folder.run_id, told)
    )


class Sent(NamedTuple):
    """A finished run that was sent once more."""

    exporters: Exporters

    def note(self, run: Path) -> None:
        """Replace what ``run.json`` says of these exporters; the others stay. Raises: RunFolderError."""
        folder = RunFolder(run)
        manifest = {name: value for name, value in folder.manifest().items() if name not in ("schema", "run")}
        told = {one["name"]: one for one in manifest.get("exporters") or ()}
        told |= {one["name"]: one for one in self.exporters.facts()}
        with resealed(run, "run.json"):
            folder.write_manifest({**manifest, "exporters": list(told.values())})


def sent_again(run: RunData, names: Sequence[str]) -> Sent:
    """Send every record of a finished run to trackers, to the entries that they have of it where they have any."""
    manifest = run.manifest
    told = about_run(
        run.path.name,
        manifest.get("command") or "",
        manifest.get("scale") or "",
        manifest.get("environment") or {},
        {"cpu": "", "gpus": [], **(manifest.get("hardware") or {})},
    )
    trackers = chosen_trackers(names, run.path.parent, run.path.name, told)
    exporters = Exporters(run.path, (), trackers, from_start=True)
    exporters.close(str(manifest["status"]))
    return Sent(exporters)
