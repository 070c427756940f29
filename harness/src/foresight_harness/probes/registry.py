"""Probes by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from foresight_harness.errors import UsageError
from foresight_harness.probes.base import Probe
from foresight_harness.probes.dense_ridge import DenseRidge

PROBES: Mapping[str, Callable[[], Probe]] = {kind.name: kind for kind in (DenseRidge,)}
"""A fresh, unfitted probe by name; ``dense_ridge`` is the primary one."""


def probe(name: str) -> Probe:
    """A fresh probe.

    Raises:
        UsageError: if there is none of that name; the message lists the nearest ones.
    """
    if name not in PROBES:
        near = get_close_matches(name, PROBES, n=3) or sorted(PROBES)
        raise UsageError(f"there is no probe {name!r}; did you mean {', '.join(near)}?")
    return PROBES[name]()
