"""Something done again and again, from a thread of its own, for as long as a block of code runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def periodically(name: str, every_s: float, act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` at once and then every ``every_s`` seconds until the block ends, however it ends."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(every_s):
            act()

    act()  # what is over in no time is seen too
    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
