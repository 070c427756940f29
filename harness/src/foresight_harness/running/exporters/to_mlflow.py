"""MLflow: a parent run for the benchmark run, a nested run a candidate. ``pip install 'foresight-harness[mlflow]'``."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from foresight_harness.running.exporters import tracker
from foresight_harness.running.exporters.tracker import PROJECT

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a benchmark calls nobody unasked
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is away costs seconds between two cells: not four minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Settings of the library, where the user has not set them."""

LONGEST_BATCH = 90
"""Texts in one call; a server takes at most 100."""


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a library from telling how it makes its tables."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


class Tracker(tracker.Tracker):
    """Keeps entries where ``MLFLOW_TRACKING_URI`` says, else in ``mlflow.db`` (SQLite) beside the run folders."""

    name = "mlflow"

    @property
    def place(self) -> str:
        """See ``Tracker``."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.out / 'mlflow.db'}"

    @cached_property
    def _client(self) -> Any:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        with warnings.catch_warnings(), _quiet("mlflow"), _quiet("alembic"):
            warnings.simplefilter("ignore")  # its own deprecations are not the reader's
            from mlflow import MlflowClient

            return MlflowClient(tracking_uri=self.place)

    @cached_property
    def _experiment(self) -> str:
        known = self._client.get_experiment_by_name(PROJECT)
        if known is not None:
            return str(known.experiment_id)
        local = None if os.environ.get("MLFLOW_TRACKING_URI") else (self.out / "mlflow-artifacts").as_uri()
        return str(self._client.create_experiment(PROJECT, artifact_location=local))

    @cached_property
    def _parent(self) -> str:
        return self._run("", self.run, {}, self.facts)

    def _run(self, candidate: str, name: str, tags: Mapping[str, str], facts: Mapping[str, str]) -> str:
        """Id of the MLflow run of a candidate (of the whole run: ``""``): one that is there is opened again."""
        from mlflow.entities import Param

        mine = {"foresight.run": self.run, "foresight.candidate": candidate or "-"}
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in mine.items())
        known = self._client.search_runs([self._experiment], wanted, max_results=1)
        if known:
            found = str(known[0].info.run_id)
            self._client.update_run(found, status="RUNNING")
            return found
        made = self._client.create_run(self._experiment, tags={**mine, **tags}, run_name=name)
        self._client.log_batch(made.info.run_id, params=[Param(key, value) for key, value in facts.items()])
        return str(made.info.run_id)

    def _open(self, candidate: str, name: str, facts: Mapping[str, str]) -> str:
        return self._run(candidate, name, {"mlflow.parentRunId": self._parent}, facts)

    def _send(self, entry: str, numbers: Mapping[str, float], texts: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, RunTag

        now = int(time.time() * 1000)
        metrics = [Metric(key, value, now, 0) for key, value in numbers.items()]
        tags = [RunTag(key, value) for key, value in texts.items()]
        self._client.log_batch(entry, metrics=metrics, tags=tags[:LONGEST_BATCH])

    def _end(self, entry: str, ok: bool) -> None:
        self._client.set_terminated(entry, "FINISHED" if ok else "FAILED")

    def close(self, status: str) -> None:
        """See ``Tracker``; the parent ends last."""
        used = bool(self._entries)
        super().close(status)
        if used:
            self._client.set_terminated(self._parent, "FINISHED" if status == "complete" else "KILLED")
