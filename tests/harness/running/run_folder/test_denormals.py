"""A run's arithmetic takes numbers too small to be normal for zero: with them, windows of attention take far longer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.progress import silent
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.bench import Bench


def test_a_run_flushes_denormal_numbers(tmp_path: Path) -> None:
    torch.set_flush_denormal(False)
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no such mode")
    assert float(torch.tensor([1e-39]) * 0.5) > 0
    Bench(load_registry(), RunOptions(out=tmp_path), silent(), "test")
    assert float(torch.tensor([1e-39]) * 0.5) == 0
