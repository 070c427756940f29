"""What refers to itself is freed, also where it was set aside, and what was set aside is not looked through again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from foresight_harness.measuring.extraction.tidying import WHOLE_EVERY, free_cycles


class Knot:
    """Refers to itself, so that counting references does not free it."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_knot_that_was_dropped_is_freed() -> None:
    knot = Knot()
    alive = weakref.ref(knot)
    del knot
    free_cycles(settled=False)
    assert alive() is None


def test_what_survives_is_set_aside_only_where_nothing_large_is_alive() -> None:
    gc.unfreeze()
    free_cycles(settled=False)
    assert gc.get_freeze_count() == 0
    free_cycles(settled=True)
    assert gc.get_freeze_count() > 1000


def test_a_knot_that_was_set_aside_and_then_dropped_is_freed_in_the_end() -> None:
    knot = Knot()
    alive = weakref.ref(knot)
    free_cycles(settled=True)
    del knot
    for _ in range(WHOLE_EVERY):
        free_cycles(settled=False)
    assert alive() is None
