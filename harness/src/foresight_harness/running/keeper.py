"""Keeping a run: its folder, records, counts, manifest and exporters, around the workshop that scores its cells."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
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
from foresight_harness.planning.plugin_calls import Maker, calling, failure_of, is_interrupt, said_of
from foresight_harness.planning.registry import Registry
from foresight_harness.running.exporters.run_exporters import exporters_of
from foresight_harness.running.kept_fits import keep_fits
from foresight_harness.running.lifecycle.holding import hold
from foresight_harness.running.lifecycle.manifest import NAMED_BY, Manifest, started_facts
from foresight_harness.running.lifecycle.resuming import WholeKey
from foresight_harness.running.lifecycle.sealing import MARK, seal, unseal
from foresight_harness.running.lifecycle.sealing import NAME as SEAL
from foresight_harness.running.lifecycle.sessions import with_earlier
from foresight_harness.running.lifecycle.status import (
    COMPLETE,
    OUTCOMES,
    RUNNING,
    counts_of,
    outcomes_of,
    status_at_end,
)
from foresight_harness.running.remote_facts import RemoteFacts
from foresight_harness.running.run_folder.environment import git_state
from foresight_harness.running.run_folder.fact_file import read_facts
from foresight_harness.running.run_folder.folder import RunFolder, find_run
from foresight_harness.running.run_folder.recording import failure_record, protocols_of, record_outcome
from foresight_harness.running.timeout import time_limit

MANIFEST_EVERY_S = 5.0
"""Least time between two manifests that are written while cells are scored."""


class RunKeeper:
    """A run in progress; cells are scored one by one through ``run_cell``."""

    def __init__(
        self,
        registry: Registry,
        options: RunOptions,
        progress: Progress,
        command: str,
        attached: RunFolder | None = None,
        place: Path | None = None,
    ) -> None:
        """Open a run, or work for one that another process keeps (``attached``: its manifest is left alone).

        ``place``: the run's folder itself, instead of a new one below ``--out``: a rung of a search.
        """
        self.workshop = Workshop(registry, options, progress)
        self.registry, self.options, self.progress, self.command = registry, options, progress, command
        self.remote_controls: dict[tuple[str, str], tuple[bool | None, tuple[str, ...]]] = {}
        self.remote_admission: list[dict[str, Any]] = []
        self.counts = dict.fromkeys(("planned", *OUTCOMES), 0)
        self.protocols: dict[str, dict[str, Any]] = {}
        self.planned_ids: set[str] = set()
        self.attached = attached is not None
        self.folder = attached or (RunFolder(place) if place is not None else self._open_folder())
        self._held = None if self.attached else hold(self.folder.path)
        self._remote = RemoteFacts()
        self.cache_keys: set[str] = set()
        """Start of the keys that other processes of this run have read."""
        self.peaks: dict[str, int] = {}
        """Peak memory by other process, in bytes; of one that was killed, as it last told."""
        self.status = RUNNING
        self.settled = False
        """Whether this session found the run finished: then not a byte of it is changed."""
        self.facts: dict[str, Any] = started_facts(registry, options, command)
        self.manifest = Manifest(self)
        self._written_at = 0.0
        self.exporters = exporters_of(self.folder, registry, options, self.facts, attached=self.attached)

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
        self.facts.update(fields)

    def _open_folder(self) -> RunFolder:
        out = self.options.out
        return RunFolder(find_run(out, damaged=True)) if self.options.resume else RunFolder.create(out, git_state()[0])

    def plan(self, cells: Iterable[PlannedCell]) -> None:
        """Announce the cells, so that taps are extracted together and encoders are freed when nobody needs them."""
        self.workshop.plan(cells)
        self.planned_ids = {cell_id(str(cell.candidate), cell.suite.name, str(cell.dataset)) for cell in self.planned}
        if self.options.resume and not self.attached:
            self._take_up()
        self.counts["planned"] = len(self.planned_ids)
        self.write_manifest("running")

    def _take_up(self) -> None:
        """Find out what is done of a run that goes on, and drop what is not whole. See ``resuming.check_resume``."""
        before = self.folder.whole_records()
        kept, facts = self.manifest.kept, read_facts(self.folder.path)
        self.protocols.update({name: dict(choices) for name, choices in facts.protocols.items()})
        self.protocols.update(kept.get("protocols") or {})
        self.manifest.elsewhere = with_earlier(kept.get("datasets"), facts.datasets, *NAMED_BY)
        self.remote_admission += [dict(row) for row in (*facts.admission, *(kept.get("admission") or ()))]
        listed = {str(one.get("fingerprint")) for one in self.manifest.elsewhere}
        self.done.update(self.folder.drop_unfinished(WholeKey(self.workshop, self.protocols, listed)))
        self.manifest.done_before = frozenset(self.done)
        whole = len(before) == len(self.folder.whole_records()) and self.planned_ids <= self.done
        sealed = (self.folder.path / SEAL).is_file()  # else it was killed while it concluded, or on its way to the seal
        self.settled = whole and sealed and kept.get("status") == COMPLETE
        if not self.settled:
            unseal(self.folder.path)
        self.exporters = exporters_of(self.folder, self.registry, self.options, self.facts, attached=False)

    def refresh(self) -> None:
        """Learn which cells other processes of this run have finished."""
        self.done.update(self.folder.finished())

    def drain_facts(self) -> dict[str, Any]:
        """What an attached process did since the last call, for the manifest of the one that keeps the run."""
        told = self._remote.drained(self.workshop, self.protocols, self.controls())
        return told | {"datasets": self.manifest.datasets()}

    def controls(self) -> dict[tuple[str, str], tuple[bool | None, tuple[str, ...]]]:
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
        self.manifest.elsewhere = with_earlier(self.manifest.elsewhere, facts.get("datasets") or (), *NAMED_BY)
        self.workshop.checks.checked += (facts.get("spot_checked") or {}).get("samples", 0)
        for line in facts.get("stale") or ():
            if line not in self.workshop.checks.findings:
                self.workshop.checks.found("", line)
        self.remote_admission += facts.get("admission") or ()
        self.exporters.catch_up()
        self._keep_manifest_fresh()

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
            with (
                time_limit(self.options.cell_timeout),
                calling(Maker("", f"cell {cell.candidate}"), "score", random=True),
            ):
                self.workshop.admission.before(cell)
                outcome = cell.suite.score(cell)
                self.workshop.admission.after(cell)
            wall_s = time.monotonic() - began
            self._record_controls(cell)  # first: a run killed in between would never come back to them
            if self.options.keep_fits and cell.id in self.planned_ids:
                with self.folder.writing():
                    keep_fits(self.folder.path, cell)
            records = record_outcome(self.folder, cell, outcome, wall_s)
            self.protocols |= protocols_of(cell, outcome)
            self.folder.append_facts(self.protocols, self.manifest.datasets(), self.admission())
            self._write(records)
        except BaseException as error:
            if is_interrupt(error):
                raise
            self._record_failure(cell, error, time.monotonic() - began)
            if isinstance(error, Exception):
                raise
            raise failure_of(error, f"the cell of {cell.candidate}") from error
        finally:
            self.workshop.put_away(planned)
        self.done.add(cell.id)
        self.counts["ok"] += 1
        self._keep_manifest_fresh()
        return outcome

    def _record_controls(self, cell: Cell) -> None:
        """Record the controls of a calibrated suite beside the candidate, where no test of their own will."""
        calibration = self.workshop.calibrations.get((cell.suite.name, str(cell.dataset)))
        candidates = calibration.candidates if calibration else ()
        own = cell.id not in self.planned_ids and str(cell.candidate) in map(str, candidates)
        for candidate in () if own else candidates:  # a control's own cell leaves the others to who asked for it
            control = PlannedCell(candidate, cell.suite, cell.dataset)
            known = cell_id(str(candidate), cell.suite.name, str(cell.dataset))
            if known not in self.done and known not in self.planned_ids:
                self.counts["planned"] += 1
                if self.attached:
                    self.refresh()  # another worker may have recorded it; then this only counts
                self.run_cell(control)

    def record_lost(self, planned: PlannedCell, status: str, reason: str, wall_s: float) -> None:
        """Record a cell whose worker is gone, so that it is a result like any other."""
        self.counts[status] += 1
        cell = Cell(self.workshop, planned.candidate, planned.suite, planned.dataset)
        self._write([failure_record(cell, status, reason[:1000], "", wall_s)])

    def _record_failure(self, cell: Cell, error: BaseException, wall_s: float) -> None:
        status = "oom" if isinstance(error, torch.OutOfMemoryError | MemoryError) else "failed"
        self.counts[status] += 1
        message = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, ForesightError):
            where = said_of(error)
            message = f"{f'{where}: ' if where else ''}{type(error).__name__}: {message}"
        self._write([failure_record(cell, status, message[:1000], traceback.format_exc(), wall_s)])

    def _write(self, records: Sequence[Record]) -> None:
        """To the run folder, then to the exporters."""
        self.folder.append_records(records)
        self.exporters.catch_up()

    def write_manifest(self, status: str) -> None:
        """Write ``run.json`` as things stand. An attached process leaves that to the one that keeps the run."""
        if self.attached or self.settled:
            return
        self._written_at = time.monotonic()
        self.folder.write_manifest(self.manifest.content(status))

    def _keep_manifest_fresh(self) -> None:
        """So that a run that is killed has lost little of what it said about itself."""
        if time.monotonic() - self._written_at >= MANIFEST_EVERY_S:
            self.write_manifest(RUNNING)

    def close(self, how: str) -> str:
        """End the session: ``complete`` where it ended by itself, else another status of ``run_folder.status``.

        Returns:
            The status of the run: ``complete`` only where every planned cell has an outcome.
        """
        outcomes = outcomes_of(self.folder.records())
        self.counts.update(counts_of(self.planned_ids, outcomes))
        self.manifest.count(outcomes)
        if self.settled:
            self._let_go()
            self.status = COMPLETE
            return self.status
        self.status = status_at_end(how, self.planned_ids, outcomes)
        self.exporters.close(self.status)
        self.write_manifest(self.status)
        return self.status

    def leave(self, status: str) -> None:
        """End the session of a run that has no plan yet, so that a later one goes on with it."""
        self.status = status
        self.exporters.close(status)
        self.write_manifest(status)
        self._let_go()

    def seal(self) -> None:
        """Say in the manifest that the run is sealed, and seal it: the last that a session does to its folder.

        Raises:
            RunFolderError: where it cannot be written.
        """
        if self.settled or self.attached:
            return
        self.describe(**{MARK: True})
        self.write_manifest(self.status)
        seal(self.folder.path)
        self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.let_go()
