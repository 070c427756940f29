"""What refers to itself is freed, also where it was set aside, and what was set aside is not looked through again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from foresight_harness import BuildRequest
from foresight_harness.measuring.extraction.pool import EncoderPool
from foresight_harness.measuring.extraction.tidying import WHOLE_EVERY, free_cycles, times_set_aside


class Knot(torch.nn.Module):
    """Refers to itself, so that counting references does not free it."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["self"] = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_knot_that_was_dropped_is_freed_and_what_survives_is_set_aside() -> None:
    knot = Knot()
    alive = weakref.ref(knot)
    del knot
    before = times_set_aside()
    free_cycles()
    assert alive() is None
    assert gc.get_freeze_count() > 1000
    assert times_set_aside() == before + 1


def test_a_knot_that_was_set_aside_and_then_dropped_is_freed_when_asked_and_in_the_end() -> None:
    for words in ([{"whole": True}], [{}] * WHOLE_EVERY):
        knot = Knot()
        alive = weakref.ref(knot)
        free_cycles()
        del knot
        for one in words:
            free_cycles(**one)
        assert alive() is None


def test_an_encoder_that_outlived_a_collection_is_freed_with_its_cycles_all_the_same() -> None:
    pool = EncoderPool(lambda spec: BuildRequest())
    pool.plan(["knot"])
    spec = SimpleNamespace(name="knot", build=lambda request: Knot())
    alive = weakref.ref(pool.get(spec))  # type: ignore[arg-type]
    free_cycles()
    pool.trim()
    assert alive() is not None
    pool.done(["knot"])
    assert alive() is None
