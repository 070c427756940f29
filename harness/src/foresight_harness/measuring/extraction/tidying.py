"""Freeing what refers to itself, without looking through everything that stays."""

from __future__ import annotations

import gc
from itertools import count

WHOLE_EVERY = 16
"""Collections after which everything is looked through: what was set aside and then dropped is freed then at the
latest."""

_calls = count(1)
_times_set_aside = 0


def times_set_aside() -> int:
    """How often survivors were set aside: what was made since the last time is looked through by every collection."""
    return _times_set_aside


def free_cycles(*, whole: bool = False) -> None:
    """Collect garbage that refers to itself.

    Libraries leave a million objects that live as long as the process, and a collection looks through all of them. So
    what survives one is set aside (``gc.freeze``), and the next looks at what came since.

    Args:
        whole: Look through what was set aside as well: something large of it was dropped.
    """
    global _times_set_aside
    if whole or next(_calls) % WHOLE_EVERY == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
    _times_set_aside += 1
