"""What ``run.json`` says of a run: of this session what the keeper knows, of earlier ones what they had written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from foresight_harness.contracts.identity import cell_id
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.registry import Registry
from foresight_harness.running.lifecycle.sessions import all_extraction, earlier_sessions, with_earlier
from foresight_harness.running.lifecycle.status import RUNNING, counts_of
from foresight_harness.running.run_folder.environment import code_digest, environment, hardware
from foresight_harness.running.run_folder.part_facts import facts_for_manifest

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.workshop import Workshop
    from foresight_harness.running.exporters.run_exporters import Exporters
    from foresight_harness.running.run_folder.folder import RunFolder


NAMED_BY = ("name", "split", "fingerprint")
"""What tells one entry of ``datasets`` from another."""


class Keeper(Protocol):
    """What a manifest says something of: ``running.keeper.RunKeeper``."""

    registry: Registry
    options: RunOptions
    command: str
    attached: bool
    folder: RunFolder
    workshop: Workshop
    exporters: Exporters
    facts: dict[str, Any]
    protocols: dict[str, dict[str, Any]]
    counts: dict[str, int]
    planned_ids: set[str]
    cache_keys: set[str]

    def admission(self) -> list[dict[str, Any]]:
        """What is known of encoders, whichever process examined them."""


def started_facts(registry: Registry, options: RunOptions, command: str) -> dict[str, Any]:
    """What is known of a session before its first cell."""
    return {
        "command": command,
        "scale": options.scale,
        "sizes": asdict(options.sizes),
        "options": options.as_json(),
        "environment": environment(registry.environment),
        "hardware": hardware(),
        "code": code_digest(),
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


class Manifest:
    """Makes ``run.json`` of one session after those that were before it."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.started = _now()
        resumed = keeper.options.resume and not keeper.attached
        self.kept: Mapping[str, Any] = keeper.folder.manifest() if resumed else {}
        """What earlier sessions wrote; empty for the first one, and where it was lost."""
        records = keeper.folder.whole_records() if resumed else []
        self.before = earlier_sessions(self.kept, records) if resumed else []
        self.done_before: frozenset[str] = frozenset()
        """Ids of the cells that this session need not score."""
        self.elsewhere: list[dict[str, Any]] = []
        """Splits that other processes of the run have told of."""
        self.counts: dict[str, int] | None = None
        """Cells of this session by outcome; None while it goes on."""

    def count(self, outcomes: Mapping[str, str]) -> None:
        """Take in what came of the cells of the run: those that were done before are not this session's."""
        own = {cell: outcome for cell, outcome in outcomes.items() if cell not in self.done_before}
        self.counts = counts_of(self.keeper.planned_ids - self.done_before, own)

    def content(self, status: str) -> dict[str, Any]:
        """The manifest as things stand."""
        keeper, workshop = self.keeper, self.keeper.workshop
        suites = sorted({cell.suite.name for cell in workshop.planned})
        facts = dict(keeper.facts)
        session = self._session(status)
        if "plan" in facts:
            session["plan"] = facts["plan"]
        sessions = [*self.before, session]
        return {
            **facts,
            "gates": with_earlier(self.kept.get("gates"), facts.get("gates") or (), "name"),
            "answers": facts.get("answers") or self.kept.get("answers"),
            "started": next((one["started"] for one in sessions if one.get("started")), self.started),
            "ended": session["ended"],
            "status": status,
            "sessions": sessions,
            "protocols": keeper.protocols,
            "datasets": with_earlier(self.kept.get("datasets"), self.datasets(), *NAMED_BY),
            "counts": keeper.counts,
            "cells": [
                {"cell": cell_id(*key), "candidate": key[0], "suite": key[1], "dataset": key[2]}
                for key in dict.fromkeys(
                    (str(cell.candidate), cell.suite.name, str(cell.dataset)) for cell in workshop.planned
                )
            ],
            "suites": suites,
            **facts_for_manifest(keeper.registry, suites, keeper.options.metrics),
            "exporters": keeper.exporters.facts(),
            "admission": self.keeper.admission(),
            "extraction": all_extraction(sessions),
        }

    def _session(self, status: str) -> dict[str, Any]:
        keeper, workshop = self.keeper, self.keeper.workshop
        return {
            "started": self.started,
            "ended": None if status == RUNNING else _now(),
            "status": status,
            "command": keeper.command,
            "git_sha": keeper.facts["environment"]["git_sha"],
            "machine": keeper.facts["hardware"]["fingerprint"],
            "counts": self.counts,
            "extraction": {
                "pictures_forwarded": dict(workshop.extraction.forwards),
                "cache_hits": dict(workshop.extraction.hits),
                "encoder_builds": dict(workshop.pool.builds),
                "spot_checked": workshop.checks.checked,
                "stale": list(workshop.checks.findings),
                "cache_keys": sorted(keeper.cache_keys | {key[:16] for key in workshop.store.used}),
            },
            "exporters": keeper.exporters.facts(),
        }

    def datasets(self) -> list[dict[str, Any]]:
        """Splits that were decoded in this session, whichever process decoded them."""
        return with_earlier(self.elsewhere, self._decoded_here(), *NAMED_BY)

    def _decoded_here(self) -> list[dict[str, Any]]:
        return [
            {
                "name": split.dataset,
                "split": split.split,
                "n": len(split),
                "fingerprint": split.fingerprint,
                "license": self.keeper.registry.dataset(split.dataset).license,
                "video": self.keeper.registry.dataset(split.dataset).video,
                "left_out": dict(split.left_out),
                "remarks": list(split.remarks),
            }
            for split in self.keeper.workshop.splits.known()
        ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
