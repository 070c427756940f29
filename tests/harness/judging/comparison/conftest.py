"""Two runs whose every number is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.judging.comparison.sentinels import Sentinels

CANDIDATES = [f"encoder_{index}@last/identity/single/linear" for index in range(4)]
WriteRuns = Callable[..., Path]


@pytest.fixture
def sentinels() -> Sentinels:
    """The first two candidates' IoU."""
    return Sentinels(patterns=({"candidate": "encoder_[01]@*", "metric": "iou"},))


@pytest.fixture
def run_with(write_run, record) -> WriteRuns:
    """Write a run of four candidates on 200 pictures; ``moved`` adds to a candidate's values, ``noise`` blurs them."""

    def write(
        name: str,
        moved: dict[int, float] | None = None,
        noise: float = 0.0,
        seed: int = 0,
        only: range = range(4),
        **changes: Any,
    ) -> Path:
        records, samples = [], {}
        drawn = np.random.default_rng(7)
        shaken = np.random.default_rng(100 + seed)
        for index, candidate in enumerate(CANDIDATES):
            values = drawn.uniform(0.2, 0.8, 200) + shaken.normal(0, noise, 200) + (moved or {}).get(index, 0.0)
            if index not in only:
                continue
            fields = {
                "cell": f"c{index}",
                "candidate": candidate,
                "value": float(values.mean()),
                "fingerprint": "f" * 12,
                "dtype": "float32",
                "device": "cpu",
                "controls_ok": True,
                "status": "ok",
                "error": None,
                "n": 200,
            }
            records.append(record(**{**fields, **changes}))
            samples[f"c{index}"] = {"iou": {0: values.tolist()}}
        return write_run(records, samples, run=name, status="complete")

    return write
