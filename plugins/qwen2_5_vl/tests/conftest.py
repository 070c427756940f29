"""The tiny encoder, the whole model that it is a part of, and its checkpoint as users download it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_qwen2_5_vl import spec_of
from foresight_qwen2_5_vl.presets import PRESETS, Size
from foresight_vlm_kit import testing
from foresight_vlm_kit.library import preset_config
from foresight_vlm_kit.testing import one_thread  # noqa: F401 - a fixture for every test here

TINY = PRESETS[0]
PREPROCESSOR = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
}


@pytest.fixture
def spec() -> EncoderSpec:
    return spec_of(TINY)


@pytest.fixture(scope="session")
def whole_of() -> Callable[[Size], Any]:
    """The library's complete model of a size."""

    def make(preset: Size) -> Any:
        from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
        from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

        return Qwen2_5_VLForConditionalGeneration(preset_config(Qwen2_5_VLConfig, preset.config))

    return make


@pytest.fixture(scope="session")
def whole_model(whole_of: Callable[[Size], Any]) -> Any:
    """The library's complete model with the weights of the tiny encoder at seed 0."""
    encoder: Any = spec_of(TINY).build(BuildRequest())
    with torch.random.fork_rng():
        model = whole_of(TINY)
    model.model.visual.load_state_dict(encoder.tower.state_dict())
    model.model.language_model.load_state_dict(encoder.language_of(4).language_model.state_dict())
    return model.eval()


@pytest.fixture
def write_checkpoint(tmp_path: Path, whole_model: Any) -> Callable[..., Path]:
    """Write the whole model under the names of the published checkpoints."""

    def published(name: str) -> str:
        return name.removeprefix("model.") if ".visual." in name else name.replace("model.language_model.", "model.")

    def write(change: Any = None, **config: Any) -> Path:
        tensors = {published(name): tensor for name, tensor in whole_model.state_dict().items()}
        dtyped = {**TINY.config, "torch_dtype": "bfloat16"}
        folder = testing.write_checkpoint(tmp_path / "tiny", tensors, dtyped, change, config)
        (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
        return folder

    return write
