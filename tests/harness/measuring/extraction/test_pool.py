"""Encoders in memory: freed when nobody needs them, and the process looked through only where that takes it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec
from foresight_harness.measuring.extraction.pool import EncoderPool
from foresight_harness.planning.registry import Registry
from torch import nn


class Plain:
    def __init__(self, request: object) -> None:
        self.tower = nn.Linear(4, 4)


class Circular(Plain):
    def __init__(self, request: object) -> None:
        super().__init__(request)
        self.itself = self


class LooseTower:
    """Itself in no circle; what it holds is."""

    def __init__(self, request: object) -> None:
        self.tower = nn.Linear(4, 4)
        self.tower.myself = [self.tower]


@pytest.fixture(autouse=True)
def no_collection_by_chance() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def pool() -> EncoderPool:
    return EncoderPool(lambda spec: BuildRequest(weights="random"))


def spec_of(builtins: Registry, kind: Any, name: str = "one") -> EncoderSpec:
    return replace(builtins.encoder("pixels"), name=name, build=kind)


def test_encoder_without_circles_is_freed_without_looking_through_the_process(
    pool: EncoderPool, builtins: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda *_: looked.append("all"))
    tower = weakref.ref(pool.get(spec_of(builtins, Plain)).tower.weight)  # type: ignore[attr-defined]
    pool.trim()
    assert (tower(), looked) == (None, [])


@pytest.mark.parametrize("kind", [Circular, LooseTower])
def test_encoder_in_a_circle_is_freed_too(pool: EncoderPool, builtins: Registry, kind: Any) -> None:
    tower = weakref.ref(pool.get(spec_of(builtins, kind)).tower.weight)  # type: ignore[attr-defined]
    pool.trim()
    assert tower() is None


def test_spare_encoder_stays_until_another_is_built(pool: EncoderPool, builtins: Registry) -> None:
    spare = weakref.ref(pool.get(spec_of(builtins, Plain)))
    pool.spare, pool.looked_at_again = "one", lambda name: True
    pool.trim()
    assert pool.get(spec_of(builtins, Plain)) is spare()
    pool.get(spec_of(builtins, Plain, "other"))
    assert spare() is None
    assert pool.builds == {"one": 1, "other": 1}


def test_spare_encoder_goes_once_nothing_is_left_to_look_at(pool: EncoderPool, builtins: Registry) -> None:
    left = ["one"]
    spare = weakref.ref(pool.get(spec_of(builtins, Plain)))
    pool.spare, pool.looked_at_again = "one", left.__contains__
    pool.trim()
    assert spare() is not None
    left.clear()
    pool.trim()
    assert spare() is None


@pytest.mark.parametrize(("most", "kept"), [(4 * (4 * 4 + 4), True), (4 * (4 * 4 + 4) - 1, False)])
def test_last_live_cell_leaves_a_small_encoder_that_is_still_looked_at(
    pool: EncoderPool, builtins: Registry, monkeypatch: pytest.MonkeyPatch, most: int, kept: bool
) -> None:
    monkeypatch.setattr("foresight_harness.measuring.extraction.pool.SPARE_BYTES", most)
    pool.looked_at_again = lambda name: True
    pool.plan(["one", "one"])
    built = weakref.ref(pool.get(spec_of(builtins, Plain)))
    pool.done(["one"])
    assert (built() is not None, pool.spare) == (True, "one" if kept else "")
    pool.done(["one"])
    assert (built() is not None) is kept


def test_last_live_cell_leaves_nothing_that_is_not_looked_at(pool: EncoderPool, builtins: Registry) -> None:
    pool.plan(["one"])
    built = weakref.ref(pool.get(spec_of(builtins, Plain)))
    pool.done(["one"])
    assert built() is None
