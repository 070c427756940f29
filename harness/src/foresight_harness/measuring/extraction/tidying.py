"""Freeing what refers to itself, without looking through everything that stays."""

from __future__ import annotations

import gc
from itertools import count

WHOLE_EVERY = 16
"""Collections after which everything is looked through: what was set aside and then dropped is freed then at the
latest."""

_calls = count(1)


def free_cycles(*, settled: bool) -> None:
    """Collect garbage that refers to itself.

    Libraries leave a million objects that live as long as the process, and a collection looks through all of them. So
    what survives one is set aside (``gc.freeze``), and the next looks at what came since.

    Args:
        settled: Nothing large that will be dropped is alive, so that what survives may be set aside.
    """
    if next(_calls) % WHOLE_EVERY == 0:
        gc.unfreeze()
    gc.collect()
    if settled:
        gc.freeze()
