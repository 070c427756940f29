"""Whole models of the library with the weights of the tiny encoders, and folders of them in the published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_grounding_vlms import spec_of
from foresight_grounding_vlms.presets import PRESETS, Size
from foresight_harness import BuildRequest
from foresight_vlm_kit.library import preset_config
from foresight_vlm_kit.testing import one_thread  # noqa: F401 - a fixture for every test here

TINY = {preset.name: preset for preset in PRESETS if preset.size == "tiny"}


@pytest.fixture(params=list(TINY))
def tiny(request: pytest.FixtureRequest) -> Size:
    """Each size that is small enough to be run here."""
    return TINY[request.param]


@pytest.fixture
def whole_of() -> Callable[[Size], Any]:
    """The library's complete model of a size, language model included."""

    def make(preset: Size) -> Any:
        import transformers

        florence = preset.family == "florence2"
        config: Any = transformers.Florence2Config if florence else transformers.Kosmos2Config
        model: Any = (
            transformers.Florence2ForConditionalGeneration if florence else transformers.Kosmos2ForConditionalGeneration
        )
        return model(preset_config(config, preset.config))

    return make


@pytest.fixture
def whole_model(whole_of: Callable[[Size], Any]) -> Callable[..., Any]:
    """The complete model with the weights of a tiny encoder."""

    def make(preset: Size, seed: int = 0) -> Any:
        encoder: Any = spec_of(preset).build(BuildRequest(seed=seed))
        with torch.random.fork_rng(devices=[]):
            model = whole_of(preset).eval()
        parts = encoder._tower.modules()
        if preset.family == "florence2":
            model.model.vision_tower.load_state_dict(parts[0].state_dict())
            model.model.multi_modal_projector.load_state_dict(parts[1].state_dict())
        else:
            model.vision_model.load_state_dict(parts[0].state_dict())
        return model

    return make


@pytest.fixture
def write_checkpoint(tmp_path: Path, whole_model: Callable[..., Any]) -> Callable[..., Path]:
    """Write the complete model as the library publishes it."""

    def write(preset: Size, seed: int = 7, shard: str = "5GB") -> Path:
        folder = tmp_path / preset.name
        whole_model(preset, seed).save_pretrained(folder, max_shard_size=shard)
        return folder

    return write
