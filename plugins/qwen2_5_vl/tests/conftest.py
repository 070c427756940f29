"""The tiny encoder, the whole model that it is a part of, and checkpoints in the layout of the Hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_qwen2_5_vl import foresight_encoders
from foresight_qwen2_5_vl.presets import Preset, preset

PREPROCESSOR = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny() -> Preset:
    return preset("qwen2_5_vl_tiny")


@pytest.fixture(scope="session")
def spec() -> EncoderSpec:
    return {one.name: one for one in foresight_encoders()}["qwen2_5_vl_tiny"]


@pytest.fixture(scope="session")
def whole_model(spec: EncoderSpec, tiny: Preset) -> Any:
    """The library's complete model with the weights of the tiny encoder at seed 0."""
    from foresight_qwen2_5_vl.building import preset_config
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

    encoder: Any = spec.build(BuildRequest())
    encoder.encode(torch.rand(1, 1, 3, 56, 56), ["llm.04"])
    with torch.random.fork_rng():
        model: Any = Qwen2_5_VLForConditionalGeneration(preset_config(tiny.config))
    model.model.visual.load_state_dict(encoder.tower.state_dict())
    model.model.language_model.load_state_dict(encoder.language.language_model.state_dict())
    return model.eval()


@pytest.fixture(scope="session")
def hub_tensors(whole_model: Any) -> dict[str, torch.Tensor]:
    """Weights under the names of the published checkpoints."""

    def published(name: str) -> str:
        return name.removeprefix("model.") if ".visual." in name else name.replace("model.language_model.", "model.")

    return {published(name): tensor.contiguous() for name, tensor in whole_model.state_dict().items()}


@pytest.fixture
def write_hub(tmp_path: Path, tiny: Preset, hub_tensors: dict[str, torch.Tensor]) -> Callable[..., Path]:
    """Write a checkpoint as users download it: flat config, two shards with an index, preprocessor configuration."""

    def write(change: Callable[[dict[str, torch.Tensor]], None] = lambda tensors: None, **config: Any) -> Path:
        from safetensors.torch import save_file

        tensors = dict(hub_tensors)
        change(tensors)
        names = sorted(tensors)
        halves = {
            "model-00001-of-00002.safetensors": names[: len(names) // 2],
            "model-00002-of-00002.safetensors": names[len(names) // 2 :],
        }
        for file, members in halves.items():
            save_file({name: tensors[name] for name in members}, tmp_path / file, metadata={"format": "pt"})
        weight_map = {name: file for file, members in halves.items() for name in members}
        total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        _dump(
            tmp_path / "model.safetensors.index.json",
            {"metadata": {"total_size": total}, "weight_map": weight_map},
        )
        _dump(tmp_path / "config.json", {**deepcopy(dict(tiny.config)), "torch_dtype": "bfloat16", **config})
        _dump(tmp_path / "preprocessor_config.json", PREPROCESSOR)
        return tmp_path

    return write


def _dump(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
