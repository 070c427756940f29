"""What makes samples repeatable: random streams by key, fingerprints by content, and strict counts and indices."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

import numpy as np

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest


def stream(*key: object) -> np.random.Generator:
    """A random stream of its own for every key, independent of which other streams were drawn from."""
    digest = hashlib.sha256(json.dumps([str(part) for part in key]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def fingerprint(**facts: object) -> str:
    """sha256 over named facts (JSON types), independent of their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def half_of(id: str) -> Literal["train", "test"]:
    """The split of a sample or group that nothing else names: one half each, by a hash that no other one changes."""
    return "train" if hashlib.sha256(id.encode()).digest()[0] < 128 else "test"


def required_count(name: str, request: DataRequest) -> int:
    """The number of samples asked of a set that has no end. Raises: DataError if none or less than one is asked."""
    if request.count is None:
        raise DataError(f"data set {name} is generated and has no end; ask for a count")
    return positive(name, "count", request.count)


def positive(name: str, what: str, value: int, least: int = 1) -> int:
    """The value itself. Raises: DataError if it is under ``least``."""
    if value < least:
        raise DataError(f"data set {name}: {what} {value} asked, the least is {least}")
    return value


def checked_index(index: int, length: int, name: str) -> int:
    """The index itself. Raises: IndexError outside 0 .. length - 1, so that plain iteration ends."""
    if not 0 <= index < length:
        raise IndexError(f"sample {index} of {name}, which has {length}")
    return index
