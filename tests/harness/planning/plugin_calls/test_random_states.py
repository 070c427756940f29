"""Random states around plugin code: put back whatever was drawn, and read cheaply where nothing was."""

from __future__ import annotations

import random
import timeit
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from foresight_harness.planning.plugin_calls.random_states import put_back, random_states

DRAWS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "uniform": lambda: np.random.rand(3),
    "one normal, whose pair is kept": lambda: np.random.randn(1),
    "two normals": lambda: np.random.randn(2),
    "more than a block": lambda: np.random.rand(2000),
    "another seed": lambda: np.random.seed(5),
    "torch": lambda: torch.rand(3),
    "random": lambda: random.random(),
}


def drawn() -> list[object]:
    """What comes next of all three, kept normal numbers included."""
    return [np.random.randn(1).tolist(), np.random.rand(2).tolist(), torch.rand(2).tolist(), random.random()]


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    np.random.seed(3), torch.manual_seed(3), random.seed(3)
    yield
    np.random.seed(3)


@pytest.mark.parametrize("kept_normal", [False, True])
@pytest.mark.parametrize("draw", DRAWS)
def test_what_comes_next_is_what_would_have_come(draw: str, kept_normal: bool) -> None:
    if kept_normal:
        np.random.randn(1)
    first = random_states()
    expected = drawn()
    put_back(first)
    again = random_states()
    DRAWS[draw]()
    put_back(again)
    assert drawn() == expected


def test_a_kept_normal_that_is_drawn_between_two_looks_is_seen() -> None:
    np.random.randn(1)
    put_back(random_states())
    before = random_states()
    expected = np.random.randn(1)[0]  # the kept one: the generator's bytes do not move
    put_back(before)
    assert np.random.randn(1)[0] == expected


def test_a_generator_of_another_kind_is_put_back_too() -> None:
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(1))
    try:
        states = random_states()
        expected = np.random.rand(2).tolist()
        put_back(states)
        assert np.random.rand(2).tolist() == expected
    finally:
        np.random.set_bit_generator(before)


def test_a_generator_that_was_exchanged_does_not_pass_for_the_one_before() -> None:
    before = np.random.get_bit_generator()
    states = random_states()
    expected = drawn()
    put_back(states)
    try:
        np.random.set_bit_generator(np.random.MT19937(4))
        put_back(states)
        assert drawn() == expected
    finally:
        np.random.set_bit_generator(before)


def test_reading_what_has_not_moved_costs_less_than_numpy_itself() -> None:
    random_states()
    ours = min(timeit.repeat(lambda: put_back(random_states()), number=300, repeat=5))
    numpys = min(timeit.repeat(lambda: np.random.set_state(np.random.get_state()), number=300, repeat=5))
    assert ours < numpys
