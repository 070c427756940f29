from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_dinov2.building import random_model
from foresight_dinov2.presets import SIZES, Size

BY_NAME = {size.name: size for size in SIZES}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def write_checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Write random weights of a size in the published layout, as ``save_pretrained`` does."""

    def write(name: str, *, seed: int = 7, shard: str = "5GB") -> Path:
        folder = tmp_path / name
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = random_model(BY_NAME[name], "sdpa")
        model.save_pretrained(folder, max_shard_size=shard)  # type: ignore[operator]
        return folder

    return write


@pytest.fixture
def size() -> Callable[[str], Size]:
    return BY_NAME.__getitem__
