"""The tiny encoder, the whole model that it is a part of, and its checkpoint as users download it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_llava_next import spec_of
from foresight_llava_next.presets import PRESETS, STAND_IN_PROMPT, Size
from foresight_vlm_kit import testing
from foresight_vlm_kit.library import preset_config
from foresight_vlm_kit.testing import one_thread  # noqa: F401 - a fixture for every test here

TINY = PRESETS[0]
PREPROCESSOR = {
    "image_processor_type": "LlavaNextImageProcessor",
    "size": {"shortest_edge": 224},
    "crop_size": {"height": 224, "width": 224},
    "resample": 3,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
PREFIXES = (
    ("model.vision_tower.", "vision_tower.vision_model."),
    ("model.language_model.", "language_model.model."),
    ("lm_head.", "language_model.lm_head."),
    ("model.", ""),
)
"""Of names: the library's, and those of published checkpoints."""


@pytest.fixture(scope="session")
def tiny() -> Size:
    return TINY


@pytest.fixture
def spec() -> EncoderSpec:
    return spec_of(TINY)


@pytest.fixture(scope="session")
def hires() -> EncoderSpec:
    return spec_of(TINY, tiled=True)


@pytest.fixture(scope="session")
def whole_of() -> Callable[[Size], Any]:
    """The library's complete model of a size."""

    def make(preset: Size) -> Any:
        from transformers.models.llava_next.configuration_llava_next import LlavaNextConfig
        from transformers.models.llava_next.modeling_llava_next import LlavaNextForConditionalGeneration

        return LlavaNextForConditionalGeneration(preset_config(LlavaNextConfig, preset.config))

    return make


@pytest.fixture(scope="session")
def whole_model(whole_of: Callable[[Size], Any]) -> Any:
    """The library's complete model with the weights of the tiny encoder at seed 0."""
    encoder: Any = spec_of(TINY).build(BuildRequest())
    with torch.random.fork_rng():
        model = whole_of(TINY)
    model.model.vision_tower.load_state_dict(encoder.tower.state_dict())
    model.model.multi_modal_projector.load_state_dict(encoder.connector.multi_modal_projector.state_dict())
    model.model.image_newline.data.copy_(encoder.connector.image_newline)
    model.model.language_model.load_state_dict(encoder.language_of(4).language_model.state_dict())
    return model.eval()


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Write a whole model of the library under the names of the published checkpoints, with a tokenizer."""

    def write(model: Any, preset: Size, placeholder: str, change: Any = None, **config: Any) -> Path:
        tensors = {published_name(name): tensor for name, tensor in model.state_dict().items()}
        dtyped = {**preset.config, "torch_dtype": "float16"}
        folder = testing.write_checkpoint(tmp_path / "tiny", tensors, dtyped, change, config)
        (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
        _write_tokenizer(folder / "tokenizer.json", preset.prompt, placeholder)
        return folder

    return write


@pytest.fixture
def write_checkpoint(publish: Callable[..., Path], whole_model: Any) -> Callable[..., Path]:
    """Write the whole model of LLaVA-NeXT."""
    return partial(publish, whole_model, TINY, "<image>")


def published_name(name: str) -> str:
    """The name in published checkpoints of a tensor of the library's model."""
    ours, theirs = next(pair for pair in PREFIXES if name.startswith(pair[0]))
    return theirs + name.removeprefix(ours)


def _write_tokenizer(path: Path, prompt: str, placeholder: str) -> None:
    """One id a word of the prompt, starting with a start-of-text token, so that they equal the stand-in ids."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

    words = list(dict.fromkeys(prompt.split()))
    vocab = {"<unk>": 0, "<s>": STAND_IN_PROMPT[0], **{word: 100 + place for place, word in enumerate(words)}}
    vocab |= {f"<spare {place}>": place for place in range(1, 251) if place not in vocab.values()}
    vocab = {word: place for word, place in vocab.items() if place != 250} | {placeholder: 250}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", STAND_IN_PROMPT[0])]
    )
    tokenizer.add_special_tokens([AddedToken(placeholder, special=True)])
    tokenizer.save(str(path))
