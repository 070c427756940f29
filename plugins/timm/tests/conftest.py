from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_timm.building import random_model
from foresight_timm.presets import PRESETS, Preset

BY_NAME = {preset.name: preset for preset in PRESETS}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def preset() -> Callable[[str], Preset]:
    return BY_NAME.__getitem__


@pytest.fixture
def write_checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Write random weights in the layout in which timm publishes: ``config.json`` and ``model.safetensors``."""

    def write(name: str, *, seed: int = 7) -> Path:
        from timm.models import save_for_hf

        folder = tmp_path / name
        model: Any = random_model(BY_NAME[name], BY_NAME[name].input_px, seed)
        mean, std = BY_NAME[name].colours
        # As a model with weights of its own says them: without, it carries those of timm's default weights.
        model.pretrained_cfg = {**model.pretrained_cfg, "mean": mean, "std": std, "interpolation": "bicubic"}
        save_for_hf(model, str(folder), safe_serialization=True)
        return folder

    return write
