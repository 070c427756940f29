"""States are those of the reference, in raster order, and nothing deeper runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_cogvlm2.attention import attend
from foresight_cogvlm2.encoder import CogVLM2Encoder
from foresight_cogvlm2.language import route
from foresight_cogvlm2.presets import Size
from foresight_cogvlm2.vision import positions_for
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.parts.checks.failures import require_same
from foresight_harness.parts.module_outputs import reading
from foresight_vlm_kit.pictures import squash
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from torch import Tensor


def _encoder(spec: EncoderSpec, **request: Any) -> CogVLM2Encoder:
    encoder = spec.build(BuildRequest(**request))
    assert isinstance(encoder, CogVLM2Encoder)
    return encoder


def _clips(frames: int = 1) -> Tensor:
    return torch.rand(2, frames, 3, 60, 90, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_every_tap_equals_a_reference_written_token_by_token(
    spec: EncoderSpec, preset: Size, reference: Callable[..., dict[str, Tensor]], attention: str
) -> None:
    encoder = _encoder(spec, attention=attention)
    found = encoder.encode(_clips(), [tap.name for tap in spec.taps])
    state = {f"model.vision.{name}": value for name, value in encoder.vision.state_dict().items()}
    state |= {f"model.{name}": value for name, value in encoder.language_of(4).language_model.state_dict().items()}
    expected = reference(state, preset.architecture, squash(_clips(), 224, CLIP_MEAN, CLIP_STD))
    assert found.keys() == expected.keys()
    for name, grid in found.items():
        require_same(grid.tokens.flatten(1, 3), expected[name], name, tolerance=1e-4)


@pytest.mark.parametrize(
    ("tap", "expected"), [("pre_conv", []), ("post_conv", ["conv"]), ("vision_out", ["conv", "glu"])]
)
def test_nothing_behind_the_tower_runs_that_the_tap_does_not_need(
    spec: EncoderSpec, tap: str, expected: list[str]
) -> None:
    encoder = _encoder(spec)
    with reading({"conv": encoder.vision.conv, "glu": encoder.vision.linear_proj}) as ran:
        encoder.encode(_clips(), [tap])
    assert list(ran) == expected


def test_the_language_model_is_causal(spec: EncoderSpec) -> None:
    encoder = _encoder(spec)
    tokens = torch.randn(1, 64, 96, generator=torch.Generator().manual_seed(2))
    later = tokens.clone()
    later[:, 40] += 1
    language = encoder.language_of(3).language_model
    with torch.no_grad():
        first, second = (encoder.read_language(language, each, [3])[3] for each in (tokens, later))
    moved = (first - second).abs().amax(-1)[0] > 1e-6
    assert moved.tolist() == [False] * 40 + [True] * 24


def test_tokens_go_through_their_own_expert() -> None:
    states = torch.tensor([[[1.0], [2.0], [3.0]]])
    visual = torch.tensor([False, True, False])
    assert route(states, visual, lambda x: 10 * x, lambda x: -x).flatten().tolist() == [-1, 20, -3]
    assert route(states, visual, None, lambda x: -x).flatten().tolist() == [-1, -2, -3]


def test_image_tokens_depend_on_the_visual_experts_where_there_are_any(spec: EncoderSpec, preset: Size) -> None:
    encoder = _encoder(spec)
    before = encoder.encode(_clips(), ["llm.02"])["llm.02"].tokens
    experts = [value for name, value in encoder.language_of(2).language_model.named_parameters() if "vision" in name]
    assert bool(experts) == preset.architecture.text.visual_experts
    for value in experts:
        value.zero_()
    after = encoder.encode(_clips(), ["llm.02"])["llm.02"].tokens
    assert torch.equal(before, after) == (not experts)


def test_each_key_head_serves_consecutive_query_heads() -> None:
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(1, 4, 5, 8, generator=generator)
    key, value = torch.randn(2, 1, 2, 5, 8, generator=generator)
    for implementation in ("sdpa", "eager"):
        mixed = attend(query, key, value, causal=True, implementation=implementation)
        for head in range(4):
            single = (query[:, head : head + 1], key[:, head // 2, None], value[:, head // 2, None])
            alone = attend(*single, causal=True, implementation="eager")
            require_same(mixed[..., 8 * head : 8 * head + 8], alone, implementation, tolerance=1e-5)


def test_another_side_interpolates_the_positions_and_says_so(spec: EncoderSpec) -> None:
    encoder = _encoder(spec, input_px=112)
    grids = encoder.encode(_clips(), ["pre_conv", "vision_out"])
    assert grids["pre_conv"].tokens.shape == (2, 1, 8, 8, 64)
    assert grids["vision_out"].tokens.shape == (2, 1, 4, 4, 96)
    assert encoder.facts()["positions"] == "bicubic from 224 px"
    assert _encoder(spec).facts()["positions"] == "as trained"


def test_interpolated_positions_keep_the_class_token_and_the_layout() -> None:
    rows, cols = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij")
    table = torch.cat([torch.tensor([[9.0, 9.0]]), torch.stack([rows, cols], -1).reshape(16, 2)])
    assert positions_for(table, 16) is table
    larger = positions_for(table, 64)
    assert larger[0].tolist() == [9, 9]
    grid = larger[1:].reshape(8, 8, 2)
    assert (grid[1:, :, 0] > grid[:-1, :, 0]).all()
    assert torch.allclose(grid[..., 0], grid[..., 1].T, atol=1e-5)
    assert torch.allclose(grid[3, :, 0], grid[3, :1, 0], atol=1e-5)
