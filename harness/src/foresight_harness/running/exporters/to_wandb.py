"""Weights & Biases: one of its runs a candidate, grouped by run. ``pip install 'foresight-harness[wandb]'``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from foresight_harness.running.exporters import tracker
from foresight_harness.running.exporters.tracker import PROJECT


class Tracker(tracker.Tracker):
    """Writes offline below ``wandb`` beside the run folders (or in ``WANDB_DIR``), unless ``WANDB_MODE`` says more.

    What was written offline goes to a server with ``wandb sync``, when somebody wants that.
    """

    name = "wandb"

    @property
    def place(self) -> str:
        """See ``Tracker``."""
        folder = os.path.join(os.environ.get("WANDB_DIR") or str(self.out), "wandb")  # noqa: PTH118
        return folder if self._mode == "offline" else f"{self._mode}, and {folder}"

    @property
    def _mode(self) -> str:
        return os.environ.get("WANDB_MODE") or "offline"

    def _open(self, candidate: str, name: str, facts: Mapping[str, str]) -> Any:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # a benchmark calls nobody unasked
        import wandb

        quiet = wandb.Settings(
            silent=True,
            init_timeout=30,
            console="off",
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
            disable_job_creation=True,
        )
        return wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=name[:128],
            group=self.run,
            id=hashlib.sha256(f"{self.run}/{candidate}".encode()).hexdigest()[:16],
            resume=None if self._mode == "offline" else "allow",
            mode=self._mode,  # type: ignore[arg-type]
            dir=os.environ.get("WANDB_DIR") or str(self.out),
            config=dict(facts),
            reinit="create_new",
            settings=quiet,
        )

    def _send(self, entry: Any, numbers: Mapping[str, float], texts: Mapping[str, str]) -> None:
        entry.summary.update(dict(numbers))
        entry.config.update(dict(texts), allow_val_change=True)

    def _end(self, entry: Any, ok: bool) -> None:
        entry.finish(exit_code=0 if ok else 1)
