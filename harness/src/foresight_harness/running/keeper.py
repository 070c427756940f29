"""Keeping a run: its folder, records, counts, manifest and exporters, around the workshop that scores its cells."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import torch

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.identity import cell_id
from foresight_harness.contracts.outcomes import Outcome
from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.records import Record
from foresight_harness.measuring.workshop.cell import Cell, Timer
from foresight_harness.measuring.workshop.workshop import Workshop
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import Registry
from foresight_harness.running.exporters.run_exporters import exporters_of
from foresight_harness.running.remote_facts import RemoteFacts
from foresight_harness.running.run_folder.environment import environment, git_state, hardware
from foresight_harness.running.run_folder.folder import RunFolder, find_run
from foresight_harness.running.run_folder.part_facts import facts_for_manifest
from foresight_harness.running.run_folder.recording import failure_record, protocols_of, record_outcome
from foresight_harness.running.timeout import time_limit


class RunKeeper:
    """A run in progress; cells are scored one by one through ``run_cell``."""

    def __init__(
        self,
        registry: Registry,
        options: RunOptions,
        progress: Progress,
        command: str,
        attached: RunFolder | None = None,
    ) -> None:
        """Open a run, or work for one that another process keeps (``attached``: its manifest is left alone)."""
        self.workshop = Workshop(registry, options, progress)
        self.registry, self.options, self.progress, self.command = registry, options, progress, command
        self.remote_controls: dict[tuple[str, str], tuple[bool, tuple[str, ...]]] = {}
        self.remote_admission: list[dict[str, Any]] = []
        self.counts = dict.fromkeys(("planned", "ok", "failed", "oom", "unavailable"), 0)
        self.protocols: dict[str, dict[str, Any]] = {}
        self._planned_ids: set[str] = set()
        self.attached = attached is not None
        self.folder = attached or self._open_folder()
        self._remote = RemoteFacts()
        self.cache_keys: set[str] = set()
        """Start of the keys that other processes of this run have read."""
        self.peaks: dict[str, int] = {}
        """Peak memory by other process, in bytes; of one that was killed, as it last told."""
        self.started = _now()
        if options.resume and not self.attached:
            self.done.update(self.folder.drop_unfinished())
            self.protocols.update(self.folder.manifest().get("protocols") or {})
        self._facts: dict[str, Any] = {
            "command": command,
            "scale": options.scale,
            "options": options.as_json(),
            "environment": environment(registry.environment),
            "hardware": hardware(),
            "plugins": [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "digest": plugin.digest,
                    "error": plugin.error,
                }
                for plugin in registry.plugins
            ],
        }
        self.exporters = exporters_of(self.folder, registry, options, self._facts, attached=self.attached)

    @property
    def planned(self) -> Sequence[PlannedCell]:
        """Every cell of the run, in its order."""
        return self.workshop.planned

    @property
    def done(self) -> set[str]:
        """Ids of the cells that have ended."""
        return self.workshop.done

    def describe(self, **fields: Any) -> None:
        """Fields of the manifest that the keeper itself does not know. Before ``plan``, which writes it."""
        self._facts.update(fields)

    def _open_folder(self) -> RunFolder:
        out = self.options.out
        return RunFolder(find_run(out)) if self.options.resume else RunFolder.create(out, git_state()[0])

    def plan(self, cells: Iterable[PlannedCell]) -> None:
        """Announce the cells, so that taps are extracted together and encoders are freed when nobody needs them."""
        self.workshop.plan(cells)
        self._planned_ids = {cell_id(str(cell.candidate), cell.suite.name, str(cell.dataset)) for cell in self.planned}
        self.counts["planned"] = len(self.planned)
        self.write_manifest("running")

    def refresh(self) -> None:
        """Learn which cells other processes of this run have finished."""
        self.done.update(self.folder.finished())

    def drain_facts(self) -> dict[str, Any]:
        """What an attached process did since the last call, for the manifest of the one that keeps the run."""
        return self._remote.drained(self.workshop, self.protocols, self.controls())

    def controls(self) -> dict[tuple[str, str], tuple[bool, tuple[str, ...]]]:
        """By suite and data set whether controls are in range and what they scored, whoever measured them."""
        own = {key: (found.verdict.ok, found.verdict.sentences) for key, found in self.workshop.calibrations.items()}
        return {**self.remote_controls, **own}

    def admission(self) -> list[dict[str, Any]]:
        """What was said of each encoder and tap, whoever examined them."""
        own = self.workshop.admission.facts()
        told = {(row["encoder"], row["tap"], row["pictures_px"]): row for row in [*self.remote_admission, *own]}
        return [told[key] for key in sorted(told)]

    def add_facts(self, facts: Mapping[str, Any]) -> None:
        """Take in what another process of this run did."""
        self.protocols.update(facts.get("protocols") or {})
        self.workshop.extraction.forwards.update(facts.get("forwards") or {})
        self.workshop.extraction.hits.update(facts.get("hits") or {})
        self.cache_keys.update(facts.get("cache_keys") or ())
        self.peaks.update(facts.get("peak_bytes") or {})
        self.workshop.pool.builds.update(facts.get("builds") or {})
        self.remote_controls |= {(name, on): (ok, tuple(said)) for name, on, ok, said in facts.get("controls") or ()}
        self.remote_admission += facts.get("admission") or ()
        self.exporters.catch_up()

    def run_cell(self, planned: PlannedCell, timer: Timer | None = None) -> Outcome | None:
        """Score one cell and write its records.

        Returns:
            What was measured; None where ``--resume`` found the cell finished.

        Raises:
            Exception: whatever the cell raised, after its failure record was written.
        """
        cell = Cell(self.workshop, planned.candidate, planned.suite, planned.dataset, timer)
        if cell.id in self.done:
            self.counts["ok"] += 1
            self.workshop.fits.done(planned)
            return None
        began = time.monotonic()
        try:
            with time_limit(self.options.cell_timeout):
                self.workshop.admission.before(cell)
                outcome = cell.suite.score(cell)
                self.workshop.admission.after(cell)
            wall_s = time.monotonic() - began
            self._record_controls(cell)  # first: a run killed in between would never come back to them
            records = record_outcome(self.folder, cell, outcome, wall_s)
            self.protocols |= protocols_of(cell, outcome)
            self._write(records)
        except Exception as error:
            self._record_failure(cell, error, time.monotonic() - began)
            raise
        finally:
            self.workshop.put_away(planned)
        self.done.add(cell.id)
        self.counts["ok"] += 1
        return outcome

    def _record_controls(self, cell: Cell) -> None:
        """Record the controls of a calibrated suite beside the candidate, where no test of their own will."""
        calibration = self.workshop.calibrations.get((cell.suite.name, str(cell.dataset)))
        candidates = calibration.candidates if calibration else ()
        own = cell.id not in self._planned_ids and str(cell.candidate) in map(str, candidates)
        for candidate in () if own else candidates:  # a control's own cell leaves the others to who asked for it
            control = PlannedCell(candidate, cell.suite, cell.dataset)
            known = cell_id(str(candidate), cell.suite.name, str(cell.dataset))
            if known not in self.done and known not in self._planned_ids:
                self.counts["planned"] += 1
                if self.attached:
                    self.refresh()  # another worker may have recorded it; then this only counts
                self.run_cell(control)

    def record_lost(self, planned: PlannedCell, status: str, reason: str, wall_s: float) -> None:
        """Record a cell whose worker is gone, so that it is a result like any other."""
        self.counts[status] += 1
        cell = Cell(self.workshop, planned.candidate, planned.suite, planned.dataset)
        self._write([failure_record(cell, status, reason[:1000], "", wall_s)])

    def _record_failure(self, cell: Cell, error: Exception, wall_s: float) -> None:
        status = "oom" if isinstance(error, torch.OutOfMemoryError | MemoryError) else "failed"
        self.counts[status] += 1
        message = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, ForesightError):
            message = f"{type(error).__name__}: {message}"
        self._write([failure_record(cell, status, message[:1000], traceback.format_exc(), wall_s)])

    def _write(self, records: Sequence[Record]) -> None:
        """To the run folder, then to the exporters."""
        self.folder.append_records(records)
        self.exporters.catch_up()

    def write_manifest(self, status: str) -> None:
        """Write ``run.json`` as things stand. An attached process leaves that to the one that keeps the run."""
        if self.attached:
            return
        ended = None if status == "running" else _now()
        suites = sorted({cell.suite.name for cell in self.planned})
        self.folder.write_manifest(
            {
                **self._facts,
                "started": self.started,
                "ended": ended,
                "status": status,
                "protocols": self.protocols,
                "datasets": self._datasets(),
                "counts": self.counts,
                "suites": suites,
                **facts_for_manifest(self.registry, suites),
                "admission": self.admission(),
                "exporters": self.exporters.facts(),
                "extraction": {
                    "pictures_forwarded": dict(self.workshop.extraction.forwards),
                    "cache_hits": dict(self.workshop.extraction.hits),
                    "encoder_builds": dict(self.workshop.pool.builds),
                    "cache_keys": sorted(self.cache_keys | {key[:16] for key in self.workshop.store.used}),
                },
            }
        )

    def _datasets(self) -> list[dict[str, Any]]:
        return [
            {
                "name": split.dataset,
                "split": split.split,
                "n": len(split),
                "fingerprint": split.fingerprint,
                "license": self.registry.dataset(split.dataset).license,
                "left_out": dict(split.left_out),
                "remarks": list(split.remarks),
            }
            for split in self.workshop.splits.known()
        ]

    def close(self, status: str) -> None:
        """End the run. ``complete`` or ``interrupted``"""
        self.exporters.close(status)
        self.write_manifest(status)


def command_line() -> str:
    """What to type to repeat this."""
    program = sys.argv[0].rsplit("/", 1)[-1]
    return " ".join(["pytest" if program in ("__main__.py", "pytest", "py.test") else program, *sys.argv[1:]])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
