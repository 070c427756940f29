"""A timer for processes that have no pytest-benchmark: workers of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable


class PlainTimer:
    """Warm-up, then one wall-clock reading a round; the work itself synchronises its device."""

    timed_by = "perf_counter"

    def __init__(self, warmup: int) -> None:
        self.warmup = warmup

    def __call__(self, work: Callable[[], object], rounds: int) -> list[float]:
        """Seconds of each round."""
        for _ in range(self.warmup):
            work()
        seconds = []
        for _ in range(rounds):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
        return seconds
