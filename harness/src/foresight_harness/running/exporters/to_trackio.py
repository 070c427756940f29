"""trackio: one of its runs a candidate, grouped by run. ``pip install 'foresight-harness[trackio]'``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from contextvars import Context
from io import StringIO
from typing import Any

from foresight_harness.running.exporters import tracker
from foresight_harness.running.exporters.tracker import PROJECT

ENDED_AT_ONCE = 16


class Tracker(tracker.Tracker):
    """Keeps entries in ``trackio`` beside the run folders, or where ``TRACKIO_DIR`` or ``TRACKIO_SPACE_ID`` say."""

    name = "trackio"

    @property
    def place(self) -> str:
        """See ``Tracker``."""
        space = os.environ.get("TRACKIO_SPACE_ID") or os.environ.get("TRACKIO_SERVER_URL")
        return space or os.environ.get("TRACKIO_DIR") or str(self.out / "trackio")

    def _open(self, candidate: str, name: str, facts: Mapping[str, str]) -> Any:
        os.environ.setdefault("TRACKIO_DIR", str(self.out / "trackio"))  # read once, when the library is imported
        import trackio

        def opened() -> Any:
            return trackio.init(
                project=PROJECT,
                name=f"{name} {self.run}",  # entries are found by name: one of another run is another
                group=self.run,
                config=dict(facts),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

        with redirect_stdout(StringIO()):
            return Context().run(opened)  # in a context of its own: else opening the next entry would end this one

    def _send(self, entry: Any, numbers: Mapping[str, float], texts: Mapping[str, str]) -> None:
        entry.log({**numbers, **texts})

    def _end(self, entry: Any, ok: bool) -> None:
        entry.finish()

    def close(self, status: str) -> None:
        """See ``Tracker``. Each entry waits for its own writer, so they end side by side."""
        entries, self._entries = list(self._entries.values()), {}
        with redirect_stdout(StringIO()), ThreadPoolExecutor(ENDED_AT_ONCE) as pool:
            list(pool.map(lambda entry: self._end(entry, True), entries))
