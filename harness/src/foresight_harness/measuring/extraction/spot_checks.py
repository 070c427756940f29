"""Is what the cache holds still what the parts make? Two samples of a data set are made again and compared.

A key holds everything that is known to decide features. What a plugin reads beside that (a variable, a file that its
sources do not name, a service) can only be seen by looking.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import SystemRandom

import torch
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.measuring.cache.arrays import StoredArray

SAMPLES = 2
TOLERANCE = {"float32": 1e-3, "float64": 1e-3, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest difference of a token, relative to the usual length of one, that another batch size makes of the same
features: at 1e-3 rounding of float32 is two orders below, and the smallest change that was tried one above."""


@dataclass
class SpotChecks:
    """What a run has looked at, and what it found."""

    active: bool = True
    say: Callable[[str], None] = lambda line: None
    checked: int = 0
    """Samples that were made again."""
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)
    """One line for each entry that was not what it is now."""
    _began_ns: int = field(default_factory=time.time_ns)
    _seen: set[tuple[str, ...]] = field(default_factory=set)
    _distrusted: set[str] = field(default_factory=set)

    def due(self, part: str, dataset: str, fingerprint: str, array: StoredArray) -> bool:
        """Whether to look at this part on this data set: once a run, and only at what an earlier run made; where it was
        found to be other than the cache held, at each of its splits."""
        place = (part, dataset, fingerprint) if part in self._distrusted else (part, dataset)
        if not self.active or not len(array) or {place, (part, dataset, fingerprint)} & self._seen:
            return False
        self._seen |= {(part, dataset), (part, dataset, fingerprint)}
        return made_at(array) < self._began_ns

    def left(self, part: str, datasets: Iterable[str]) -> bool:
        """Whether this part is still to be looked at on one of these data sets."""
        return self.active and any((part, name) not in self._seen for name in datasets)

    def found(self, part: str, line: str) -> None:
        """A part was not what the cache holds of it, which is made anew."""
        self._distrusted.add(part)
        self.findings.append(line)
        self.say(line)


def made_at(array: StoredArray) -> int:
    """When an entry was written, in nanoseconds since the epoch."""
    return (array.folder / array.files[0]).stat().st_mtime_ns


def chosen(count: int) -> list[int]:
    """Two samples, others in every run: what differs in few of them is found in time."""
    return sorted(SystemRandom().sample(range(count), min(SAMPLES, count)))


def difference(kept: Tensor, made: Tensor) -> float:
    """Largest difference of a token relative to the usual length of one; infinite for other shapes. [n, ..., C] each"""
    if kept.shape != made.shape:
        return float("inf")
    kept, made = in_double(kept.detach()).cpu(), in_double(made.detach()).cpu()
    usual = kept.norm(dim=-1).square().mean().sqrt().item()
    apart = (kept - made).norm(dim=-1).max().item()
    if not apart < float("inf"):
        return float("inf")
    return apart / usual if usual > 0 else (float("inf") if apart > 0 else 0.0)


def tolerance(dtype: str) -> float:
    """The difference that still counts as none, for features that are made in this dtype."""
    return TOLERANCE.get(dtype, 1e-3)


def same_clip(kept: Tensor, made: Tensor) -> bool:
    """Whether two clips in 8 bit are one. [T, 3, H_px, W_px] uint8 each"""
    return kept.shape == made.shape and torch.equal(kept, made)
