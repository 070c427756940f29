"""Progress as lines: what is being done, how far, how long it took. Quiet where nobody looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Write = Callable[[str], None]


@dataclass
class Progress:
    """Writes a line when a task starts, at most one every ``every_s`` seconds while it runs, and one when it ends."""

    write: Write
    every_s: float = 5.0

    @contextmanager
    def task(self, title: str, total: int, unit: str = "pictures") -> Iterator[Callable[[int], None]]:
        """A task of ``total`` units; the yielded function is told how many more are done."""
        started = spoken = time.monotonic()
        done = 0

        def advance(count: int) -> None:
            nonlocal done, spoken
            done += count
            now = time.monotonic()
            if now - spoken >= self.every_s and 0 < done < total:
                left = (now - started) / done * (total - done)
                self.write(f"{title}: {done} of {total} {unit}, about {left:.0f} s left")
                spoken = now

        yield advance
        self.write(f"{title}: {done} {unit} in {time.monotonic() - started:.1f} s")


def silent() -> Progress:
    """Progress that nobody sees, for library use and tests."""
    return Progress(write=lambda line: None)
