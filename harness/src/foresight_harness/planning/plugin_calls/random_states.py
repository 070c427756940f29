"""Random states of torch, numpy and ``random`` around plugin code: read and put back, of those that are loaded."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

State = tuple[Callable[[Any], object], Any]
"""What puts a state back, and the state."""
MT19937_BYTES = 625 * 4
"""Of numpy's own structure: 624 words and the place among them."""


def random_states() -> list[State]:
    """The states at this moment."""
    found: list[State] = []
    plain = sys.modules.get("random")
    if plain is not None and hasattr(plain, "getstate"):
        found.append((plain.setstate, plain.getstate()))
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_rng_state"):
        found.append((torch.set_rng_state, torch.get_rng_state()))
    numpy = sys.modules.get("numpy.random")
    if numpy is not None and hasattr(numpy, "get_state"):
        found.append((_write_numpy, _read_numpy(numpy)))
    return found


def put_back(states: list[State]) -> None:
    """Set them as they were."""
    for write, value in states:
        write(value)


class _NumpyState:
    """numpy's state, with the bytes that it is made of where they alone tell whether it has moved."""

    __slots__ = ("generator", "raw", "state")

    def __init__(self, generator: Any, raw: bytes | None, state: Any) -> None:
        self.generator, self.raw, self.state = generator, raw, state


_last = _NumpyState(None, None, None)
"""What was read last: most plugin code does not touch it, and numpy's own reading takes 100 times as long."""


def _read_numpy(numpy: Any) -> _NumpyState:
    global _last
    generator, raw = _raw_of(numpy)
    if raw is None or raw != _last.raw or generator is not _last.generator:
        state = numpy.get_state(legacy=False)
        # A normal number that is kept for the next draw is beside the bytes: then they do not tell everything.
        told = isinstance(state, dict) and state.get("has_gauss") == 0
        _last = _NumpyState(generator, raw if told else None, state)
    return _last


def _write_numpy(before: _NumpyState) -> None:
    numpy = sys.modules["numpy.random"]
    generator, raw = _raw_of(numpy)
    if before.raw is None or raw != before.raw or generator is not before.generator:
        numpy.set_state(before.state)


def _raw_of(numpy: Any) -> tuple[Any, bytes | None]:
    """The generator behind numpy's global functions, and its bytes; None for one of another kind."""
    ask = getattr(numpy, "get_bit_generator", None)
    generator = ask() if ask is not None else None
    if generator is None or type(generator).__name__ != "MT19937":
        return generator, None
    return generator, ctypes.string_at(generator.ctypes.state_address, MT19937_BYTES)
