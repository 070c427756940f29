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
from foresight_llava_next import foresight_encoders
from foresight_llava_next.presets import STAND_IN_PROMPT, Preset, preset

PREPROCESSOR = {
    "image_processor_type": "LlavaNextImageProcessor",
    "size": {"shortest_edge": 224},
    "crop_size": {"height": 224, "width": 224},
    "resample": 3,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny() -> Preset:
    return preset("llava_next_tiny")


@pytest.fixture(scope="session")
def spec() -> EncoderSpec:
    return {one.name: one for one in foresight_encoders()}["llava_next_tiny"]


@pytest.fixture(scope="session")
def hires(spec: EncoderSpec) -> EncoderSpec:
    assert spec.expand is not None
    return spec.expand("hires")


@pytest.fixture(scope="session")
def whole_model(spec: EncoderSpec, tiny: Preset) -> Any:
    """The library's complete model with the weights of the tiny encoder at seed 0."""
    from foresight_llava_next.building import preset_config
    from transformers.models.llava_next.modeling_llava_next import LlavaNextForConditionalGeneration

    encoder: Any = spec.build(BuildRequest())
    encoder.encode(torch.rand(1, 1, 3, 56, 56), ["llm.04"])
    with torch.random.fork_rng():
        model: Any = LlavaNextForConditionalGeneration(preset_config(tiny.config))
    model.model.vision_tower.load_state_dict(encoder.tower.state_dict())
    model.model.multi_modal_projector.load_state_dict(encoder.connector.multi_modal_projector.state_dict())
    model.model.image_newline.data.copy_(encoder.connector.image_newline)
    model.model.language_model.load_state_dict(encoder.language.language_model.state_dict())
    return model.eval()


@pytest.fixture(scope="session")
def hub_tensors(whole_model: Any) -> dict[str, torch.Tensor]:
    """Weights under the names of the published checkpoints."""
    prefixes = (
        ("model.vision_tower.", "vision_tower.vision_model."),
        ("model.language_model.", "language_model.model."),
        ("lm_head.", "language_model.lm_head."),
        ("model.", ""),
    )

    def published(name: str) -> str:
        ours, theirs = next(pair for pair in prefixes if name.startswith(pair[0]))
        return theirs + name.removeprefix(ours)

    return {published(name): tensor.contiguous() for name, tensor in whole_model.state_dict().items()}


@pytest.fixture
def write_hub(tmp_path: Path, tiny: Preset, hub_tensors: dict[str, torch.Tensor]) -> Callable[..., Path]:
    """Write a checkpoint as users download it: two shards with an index, configurations, tokenizer."""

    def write(change: Callable[[dict[str, torch.Tensor]], Any] = lambda tensors: None, **config: Any) -> Path:
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
        _dump(tmp_path / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})
        _dump(tmp_path / "config.json", {**deepcopy(dict(tiny.config)), "torch_dtype": "float16", **config})
        _dump(tmp_path / "preprocessor_config.json", PREPROCESSOR)
        _write_tokenizer(tmp_path / "tokenizer.json", tiny.prompt)
        return tmp_path

    return write


def _write_tokenizer(path: Path, prompt: str) -> None:
    """One id a word of the prompt, starting with a start-of-text token, so that they equal the stand-in ids."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

    words = list(dict.fromkeys(prompt.split()))
    vocab = {"<unk>": 0, "<s>": STAND_IN_PROMPT[0], **{word: 100 + place for place, word in enumerate(words)}}
    vocab |= {f"<spare {place}>": place for place in range(1, 251) if place not in vocab.values()}
    vocab = {word: place for word, place in vocab.items() if place != 250} | {"<image>": 250}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", STAND_IN_PROMPT[0])]
    )
    tokenizer.add_special_tokens([AddedToken("<image>", special=True)])
    tokenizer.save(str(path))


def _dump(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
