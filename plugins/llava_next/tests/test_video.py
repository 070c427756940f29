"""LLaVA-NeXT-Video against the library's whole model of it, and its checkpoint as users download it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec, UsageError
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.testing import ConformanceError, assert_published_params, check_impulse
from foresight_llava_next import video_spec_of
from foresight_llava_next.presets import STAND_IN_PROMPT, Size
from foresight_llava_next.video_presets import VIDEO_PRESETS
from foresight_vlm_kit.library import preset_config
from foresight_vlm_kit.pictures import normalise, resize
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from foresight_vlm_kit.taps import llm_depth
from foresight_vlm_kit.testing import CheckpointConformance
from torch import Tensor

TINY = VIDEO_PRESETS[0]
SPEC = video_spec_of(TINY)
VIDEO_TOKEN = 250
FRAMES = 3


def whole_of(preset: Size) -> Any:
    """The library's complete model of a size."""
    from transformers import LlavaNextVideoConfig, LlavaNextVideoForConditionalGeneration

    return LlavaNextVideoForConditionalGeneration(preset_config(LlavaNextVideoConfig, preset.config))


@pytest.fixture(scope="module")
def whole_model() -> Any:
    """The library's complete model with the weights of the tiny encoder at seed 0."""
    encoder: Any = SPEC.build(BuildRequest())
    with torch.random.fork_rng():
        model = whole_of(TINY)
    model.model.vision_tower.load_state_dict(encoder.tower.state_dict())
    model.model.multi_modal_projector.load_state_dict(encoder.connector.multi_modal_projector.state_dict())
    model.model.image_newline.data.copy_(encoder.connector.image_newline)
    model.model.language_model.load_state_dict(encoder.language_of(4).language_model.state_dict())
    return model.eval()


@pytest.fixture
def write_checkpoint(publish: Callable[..., Path], whole_model: Any) -> Callable[..., Path]:
    """Write the whole model of LLaVA-NeXT-Video."""
    return partial(publish, whole_model, TINY, "<video>")


def load(folder: Path) -> Any:
    return SPEC.build(BuildRequest(weights="pretrained", source=str(folder)))


@torch.no_grad()
def expected_taps(model: Any, clips: Tensor, prompt: tuple[int, ...]) -> dict[str, Tensor]:
    """Every tap from calls of the library's whole model on pixels. [B, T, H, W, C] each"""
    core, (batch, frames) = model.model, clips.shape[:2]
    pixels = normalise(resize(clips.flatten(0, 1), (224, 224)), CLIP_MEAN, CLIP_STD)
    videos = pixels.unflatten(0, (batch, frames))
    tower = core.vision_tower(pixels, output_hidden_states=True)
    found = {f"block.{index:02d}": state[:, 1:] for index, state in enumerate(tower.hidden_states[1:])}
    found["patch_embed"] = core.vision_tower.embeddings.patch_embedding(pixels).flatten(2).mT
    found["post_projector"] = core.get_video_features(videos, output_hidden_states=True).pooler_output
    states: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda module, args, output: states.append(output))
        for layer in core.language_model.layers
    ]
    ids = torch.tensor([[*prompt, *[VIDEO_TOKEN] * 64 * frames, 9, 10]]).expand(batch, -1)
    core(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values_videos=videos, use_cache=False)
    for hook in hooks:
        hook.remove()
    found |= {f"llm.{depth:02d}": state[:, len(prompt) : -2] for depth, state in enumerate(states, 1)}
    return {tap: _grids(tokens, batch, frames) for tap, tokens in found.items()}


def _grids(tokens: Tensor, batch: int, frames: int) -> Tensor:
    cells = tokens.shape[:-1].numel() // (batch * frames)
    side = round(cells**0.5)
    return tokens.reshape(batch, frames, side, side, tokens.shape[-1])


@pytest.mark.parametrize("size", [(140, 196), (224, 132)])
@pytest.mark.parametrize("frames", [1, FRAMES])
def test_every_tap_equals_the_whole_model_of_the_library(whole_model: Any, size: tuple[int, int], frames: int) -> None:
    clips = torch.rand(2, frames, 3, *size, generator=torch.Generator().manual_seed(5))
    found = SPEC.build(BuildRequest()).encode(clips, [tap.name for tap in SPEC.taps])
    expected = expected_taps(whole_model, clips, STAND_IN_PROMPT)
    assert set(found) == set(expected)
    for tap in SPEC.taps:
        tokens = found[tap.name].tokens
        assert tokens.shape == (2, frames, 224 // tap.stride_px, 224 // tap.stride_px, tap.width)
        scale = max(1.0, float(expected[tap.name].abs().max()))
        assert float((tokens - expected[tap.name]).abs().max()) <= 1e-5 * scale, tap.name


def test_the_language_model_sees_frames_in_their_order() -> None:
    """A later frame changes no earlier one; an earlier one changes the later ones."""
    clips = torch.rand(1, FRAMES, 3, 140, 196, generator=torch.Generator().manual_seed(1))
    encoder = SPEC.build(BuildRequest())
    before = encoder.encode(clips, ["llm.03"])["llm.03"].tokens
    for changed in range(FRAMES):
        other = clips.clone()
        other[:, changed] = 1 - other[:, changed]
        after = encoder.encode(other, ["llm.03"])["llm.03"].tokens
        moved = (after - before).abs().amax((0, 2, 3, 4)) > 1e-4
        assert moved.tolist() == [frame >= changed for frame in range(FRAMES)]


class Wrong:
    """The encoder with its projected tokens in another order."""

    def __init__(self, order: Callable[[Tensor], Tensor]) -> None:
        self._encoder: Any = SPEC.build(BuildRequest())
        project = self._encoder._project
        self._encoder._project = lambda tokens: order(project(tokens).unflatten(1, (8, 8))).flatten(1, 2)

    def encode(self, clips: Tensor, taps: Any) -> Any:
        return self._encoder.encode(clips, taps)


@pytest.mark.parametrize("axes", [(2,), (1,)])
def test_pooled_tokens_in_a_wrong_order_are_found(axes: tuple[int, ...]) -> None:
    check_impulse(Wrong(lambda grid: grid), "post_projector", sizes=((140, 196),))  # type: ignore[arg-type]
    for order in (lambda grid: grid.flip(axes), lambda grid: grid.transpose(1, 2)):
        with pytest.raises(ConformanceError, match="impulses are found elsewhere"):
            check_impulse(Wrong(order), "post_projector", sizes=((140, 196),))  # type: ignore[arg-type]


@pytest.mark.parametrize("preset", VIDEO_PRESETS, ids=lambda preset: preset.name)
def test_models_have_the_published_number_of_parameters(preset: Size) -> None:
    """The 7B's published shards are of 4.99, 4.96 and 4.18 GB, two bytes a parameter."""
    params = assert_published_params(video_spec_of(preset), lambda: whole_of(preset))
    if preset.name == "llava_next_video_7b":
        assert params * 2 == pytest.approx((4.99 + 4.96 + 4.18) * 1e9, abs=1.5e7)


def test_pooled_taps_are_28_px_wide_and_the_towers_are_not() -> None:
    spec: EncoderSpec = video_spec_of(VIDEO_PRESETS[1])
    assert {tap.stride_px for tap in spec.taps if llm_depth(tap.name) is None} == {14, 28}
    assert [(spec.tap(name).width, spec.tap(name).stride_px) for name in ("block.22", "post_projector", "llm.14")] == [
        (1024, 14),
        (4096, 28),
        (4096, 28),
    ]
    assert not any(tap.stride_frames != 1 for tap in spec.taps)


def test_a_published_checkpoint_gives_the_features_of_the_model_it_was_written_from(
    write_checkpoint: Callable[..., Path], whole_model: Any
) -> None:
    clips = random_clips((140, 196))
    encoder = load(write_checkpoint())
    found = encoder.encode(clips, [tap.name for tap in SPEC.taps])
    prompt = encoder.language_of(4).prompt
    assert prompt[:4] == (3, 100, 101, 102)
    for tap, tokens in expected_taps(whole_model, clips, prompt).items():
        torch.testing.assert_close(found[tap].tokens, tokens, atol=1e-4, rtol=1e-4, msg=tap)


class TestCheckpoints(CheckpointConformance):
    plugin = "llava_next"
    encoders = ("llava_next_video_tiny",)
    projected = "post_projector"
    missing = (
        ("vision_tower.vision_model.encoder.layers.1.mlp.fc1.weight", "block.00", "encoder.layers.1.mlp.fc1.weight"),
        ("multi_modal_projector.linear_2.bias", "block.00", "multi_modal_projector.linear_2.bias"),
        ("language_model.model.layers.1.mlp.up_proj.weight", "llm.02", "layers.1.mlp.up_proj.weight"),
    )
    unexpected = (("vision_resampler.extra.weight", "block.00"), ("multi_modal_projector.extra.weight", "block.00"))
    misshapen = (("multi_modal_projector.linear_1.bias", "multi_modal_projector.linear_1.bias"),)
    refused = (
        ({"model_type": "llava_next"}, "is a 'llava_next' checkpoint; LLaVA-NeXT-Video needs 'llava_next_video'"),
        ({"spatial_pool_stride": 4}, "llava_next_video_tiny: its own spatial_pool_stride is 4, not 2"),
        ({"spatial_pool_mode": "max"}, "llava_next_video_tiny: its own spatial_pool_mode is max, not average"),
    )

    def test_tokenizer_of_another_model_is_refused(self, write_checkpoint: Callable[..., Path]) -> None:
        assert "does not write <video> as id 249" in self.refusal(
            SPEC, write_checkpoint(video_token_index=249), "llm.01"
        )


def test_another_side_is_refused() -> None:
    with pytest.raises(UsageError, match=r"at 336 px: its tower takes frames of 224 px"):
        SPEC.build(BuildRequest(input_px=336))
