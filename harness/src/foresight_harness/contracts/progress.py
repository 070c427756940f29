"""Progress as lines: what is being done, how far, how long it took. Quiet where nobody looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Write = Callable[[str], None]


@dataclass
class Progress:
    """Writes a line when a task starts, at most one every ``every_s`` seconds while it runs, and one when it ends."""

    write: Write
    every_s: float = 5.0
    _tasks: list[tuple[float, int, int]] = field(default_factory=list, repr=False)
    """Of each task that is not over, the outermost first: when it started, how much is done, of how much."""

    @contextmanager
    def task(self, title: str, total: int, unit: str = "pictures") -> Iterator[Callable[[int], None]]:
        """A task of ``total`` units; the yielded function is told how many more are done."""
        started = spoken = time.monotonic()
        done = 0
        place = len(self._tasks)
        self._tasks.append((started, 0, total))

        def advance(count: int) -> None:
            nonlocal done, spoken
            done += count
            self._tasks[place] = (started, done, total)
            now = time.monotonic()
            if now - spoken >= self.every_s and 0 < done < total:
                left = (now - started) / done * (total - done)
                self.write(f"{title}: {done} of {total} {unit}, about {left:.0f} s left")
                spoken = now

        try:
            yield advance
        finally:
            del self._tasks[place:]
        self.write(f"{title}: {done} {unit} in {time.monotonic() - started:.1f} s")

    def left_s(self) -> float:
        """Seconds that the tasks at work say they still take, each at its own pace so far; 0 where none can tell."""
        now = time.monotonic()
        return sum((now - started) / done * (total - done) for started, done, total in list(self._tasks) if done)


def silent() -> Progress:
    """Progress that nobody sees, for library use and tests."""
    return Progress(write=lambda line: None)
