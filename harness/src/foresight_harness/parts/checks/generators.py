"""Global random generators, which building and encoding must leave alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from foresight_harness.parts.checks.failures import require


@contextmanager
def global_generators_kept(what: str) -> Iterator[None]:
    """Raise: ConformanceError if the generators of torch, Python or NumPy move within the block."""
    before = _states()
    yield
    after = _states()
    moved = [name for name in before if before[name] != after[name]]
    require(not moved, f"{what} moves the global generator of {', '.join(moved)}")


def _states() -> dict[str, Any]:
    numpy_state: Any = np.random.get_state(legacy=False)["state"]
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "Python": random.getstate(),
        "NumPy": (numpy_state["key"].tobytes(), numpy_state["pos"]),
    }
