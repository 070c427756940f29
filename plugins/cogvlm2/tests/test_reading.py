"""States are those of the reference, in raster order, and nothing deeper runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_cogvlm2.attention import attend
from foresight_cogvlm2.encoder import CogVLM2Encoder
from foresight_cogvlm2.language import route
from foresight_cogvlm2.model import language_on_meta
from foresight_cogvlm2.preprocessing import prepare
from foresight_cogvlm2.presets import Preset
from foresight_cogvlm2.reading import read_language
from foresight_cogvlm2.vision import positions_for
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.surface.conformance.failures import require_same
from torch import Tensor


def _encoder(offer: EncoderSpec, **request: Any) -> CogVLM2Encoder:
    encoder = offer.build(BuildRequest(**request))
    assert isinstance(encoder, CogVLM2Encoder)
    return encoder


def _clips(frames: int = 1) -> Tensor:
    return torch.rand(2, frames, 3, 60, 90, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_every_tap_equals_a_reference_written_token_by_token(
    offer: EncoderSpec, preset: Preset, reference: Callable[..., dict[str, Tensor]], attention: str
) -> None:
    encoder = _encoder(offer, attention=attention)
    found = encoder.encode(_clips(), [tap.name for tap in offer.taps])
    state = {f"model.vision.{name}": value for name, value in encoder._vision.state_dict().items()}
    state |= {f"model.{name}": value for name, value in encoder._language_of(4).state_dict().items()}
    expected = reference(state, preset.architecture, prepare(_clips(), 224))
    assert found.keys() == expected.keys()
    for name, grid in found.items():
        require_same(grid.tokens.flatten(1, 3), expected[name], name, tolerance=1e-4)


def test_vision_taps_neither_build_nor_run_the_language_model(
    offer: EncoderSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []

    def counted(architecture: Any, layers: int, attention: str) -> torch.nn.Module:
        built.append(layers)
        return language_on_meta(architecture, layers, attention)

    monkeypatch.setattr("foresight_cogvlm2.encoder.language_on_meta", counted)
    encoder = _encoder(offer)
    encoder.encode(_clips(), ["patch_embed", "block.02", "pre_conv", "post_conv", "vision_out"])
    assert built == []
    assert encoder.facts()["language_layers_built"] == 0
    encoder.encode(_clips(), ["llm.02"])
    encoder.encode(_clips(), ["llm.01"])
    assert built == [2]
    encoder.encode(_clips(), ["llm.03", "llm.01"])
    assert built == [2, 3]


@pytest.mark.parametrize(
    ("tap", "blocks", "conv", "glu", "layers"),
    [
        ("patch_embed", 0, 0, 0, 0),
        ("block.01", 2, 0, 0, 0),
        ("pre_conv", 3, 0, 0, 0),
        ("post_conv", 3, 1, 0, 0),
        ("vision_out", 3, 1, 1, 0),
        ("llm.02", 3, 1, 1, 2),
    ],
)
def test_nothing_deeper_than_the_tap_runs(
    offer: EncoderSpec, tap: str, blocks: int, conv: int, glu: int, layers: int
) -> None:
    encoder = _encoder(offer)
    ran: list[str] = []
    modules = {"conv": encoder._vision.conv, "glu": encoder._vision.linear_proj}
    modules |= {f"block.{i}": block for i, block in enumerate(encoder._vision.transformer.layers)}
    modules |= {f"layer.{i}": layer for i, layer in enumerate(encoder._language_of(4).layers)}
    for name, module in modules.items():
        module.register_forward_hook(lambda module, args, output, name=name: ran.append(name))
    encoder.encode(_clips(), [tap])
    expected = [f"block.{i}" for i in range(blocks)] + ["conv"] * conv + ["glu"] * glu
    assert ran == expected + [f"layer.{i}" for i in range(layers)]


def test_a_language_model_that_was_built_shallow_gives_the_same_states_as_a_deep_one(offer: EncoderSpec) -> None:
    shallow = _encoder(offer).encode(_clips(), ["llm.01"])["llm.01"].tokens
    deep = _encoder(offer).encode(_clips(), ["llm.01", "llm.04"])["llm.01"].tokens
    assert torch.equal(shallow, deep)


def test_the_language_model_is_causal(offer: EncoderSpec) -> None:
    encoder = _encoder(offer)
    tokens = torch.randn(1, 64, 96, generator=torch.Generator().manual_seed(2))
    later = tokens.clone()
    later[:, 40] += 1
    language = encoder._language_of(3)
    with torch.no_grad():
        first, second = (read_language(language, encoder._vision, each, 1, [3])[3] for each in (tokens, later))
    moved = (first - second).abs().amax(-1)[0] > 1e-6
    assert moved.tolist() == [False] * 40 + [True] * 24


def test_tokens_go_through_their_own_expert() -> None:
    states = torch.tensor([[[1.0], [2.0], [3.0]]])
    visual = torch.tensor([False, True, False])
    assert route(states, visual, lambda x: 10 * x, lambda x: -x).flatten().tolist() == [-1, 20, -3]
    assert route(states, visual, None, lambda x: -x).flatten().tolist() == [-1, -2, -3]


def test_image_tokens_depend_on_the_visual_experts_where_there_are_any(offer: EncoderSpec, preset: Preset) -> None:
    encoder = _encoder(offer)
    before = encoder.encode(_clips(), ["llm.02"])["llm.02"].tokens
    experts = [value for name, value in encoder._language_of(2).named_parameters() if "vision" in name]
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


def test_frames_are_pictures_of_their_own(offer: EncoderSpec) -> None:
    encoder = _encoder(offer)
    clips = _clips(frames=3)
    together = encoder.encode(clips, ["llm.02"])["llm.02"].tokens
    assert together.shape == (2, 3, 8, 8, 96)
    alone = torch.cat([encoder.encode(clips[:, t : t + 1], ["llm.02"])["llm.02"].tokens for t in range(3)], 1)
    require_same(together, alone, "frames together against one by one", tolerance=1e-4)


def test_another_side_interpolates_the_positions_and_says_so(offer: EncoderSpec) -> None:
    encoder = _encoder(offer, input_px=112)
    grids = encoder.encode(_clips(), ["pre_conv", "vision_out"])
    assert grids["pre_conv"].tokens.shape == (2, 1, 8, 8, 64)
    assert grids["vision_out"].tokens.shape == (2, 1, 4, 4, 96)
    assert encoder.facts()["positions"] == "bicubic from 224 px"
    assert _encoder(offer).facts()["positions"] == "as trained"


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
