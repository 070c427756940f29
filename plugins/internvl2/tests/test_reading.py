"""States are the library's own, in raster order, and nothing deeper runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.parts.module_outputs import reading
from foresight_internvl2.encoder import InternVL2Encoder
from foresight_internvl2.modules import language_on_meta
from foresight_internvl2.preprocessing import prepare
from foresight_internvl2.reading import unshuffle
from torch import Tensor


def _encoder(spec: EncoderSpec, **request: Any) -> InternVL2Encoder:
    encoder = spec.build(BuildRequest(**request))
    assert isinstance(encoder, InternVL2Encoder)
    return encoder


def _clips(frames: int = 1) -> Tensor:
    return torch.rand(2, frames, 3, 60, 90, generator=torch.Generator().manual_seed(3))


def test_unshuffle_joins_neighbours_in_the_order_of_the_library() -> None:
    rows = torch.arange(4).view(4, 1).expand(4, 4)
    cols = torch.arange(4).view(1, 4).expand(4, 4)
    joined = unshuffle(torch.stack([rows, cols], -1).reshape(1, 16, 2))
    assert joined.shape == (1, 4, 8)
    assert joined[0, 1].tolist() == [0, 2, 0, 3, 1, 2, 1, 3]
    assert joined[0, 2].tolist() == [2, 0, 2, 1, 3, 0, 3, 1]


def test_a_random_encoder_equals_the_librarys_forward_pass_with_the_same_weights(
    spec: EncoderSpec,
    architecture_of: Callable[..., Any],
    native_model: Callable[..., Any],
    reference: Callable[..., dict[str, Tensor]],
) -> None:
    encoder = _encoder(spec)
    found = encoder.encode(_clips(), [tap.name for tap in spec.taps])
    model = native_model(architecture_of("internlm2"))
    model.model.vision_tower.load_state_dict(encoder._vision.vision_tower.state_dict())
    model.model.multi_modal_projector.load_state_dict(encoder._vision.multi_modal_projector.state_dict())
    language = encoder._language_of(4).state_dict()
    model.model.language_model.load_state_dict({**language, "norm.weight": torch.ones(96)})
    expected = reference(model, prepare(_clips(), 224), (1, 248))
    assert found.keys() == expected.keys()
    for name, grid in found.items():
        torch.testing.assert_close(grid.tokens.flatten(1, 3), expected[name], rtol=1e-4, atol=1e-5, msg=name)


def test_vision_taps_neither_build_nor_run_the_language_model(
    spec: EncoderSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []

    def counted(architecture: Any, layers: int, attention: str) -> torch.nn.Module:
        built.append(layers)
        return language_on_meta(architecture, layers, attention)

    monkeypatch.setattr("foresight_internvl2.encoder.language_on_meta", counted)
    encoder = _encoder(spec)
    encoder.encode(_clips(), ["patch_embed", "block.03", "pre_shuffle", "post_projector"])
    assert built == []
    assert encoder.facts()["language_layers_built"] == 0
    encoder.encode(_clips(), ["llm.02"])
    encoder.encode(_clips(), ["llm.01"])
    assert built == [2]
    encoder.encode(_clips(), ["llm.03", "llm.01"])
    assert built == [2, 3]


@pytest.mark.parametrize(
    ("tap", "blocks", "layers"),
    [("patch_embed", 0, 0), ("block.01", 2, 0), ("pre_shuffle", 4, 0), ("post_projector", 4, 0), ("llm.02", 4, 2)],
)
def test_nothing_deeper_than_the_tap_runs(spec: EncoderSpec, tap: str, blocks: int, layers: int) -> None:
    encoder = _encoder(spec)
    language: Any = encoder._language_of(4)
    tower: Any = encoder._vision.vision_tower
    modules = {f"block.{i}": block for i, block in enumerate(tower.encoder.layer)}
    modules |= {f"layer.{i}": layer for i, layer in enumerate(language.layers)}
    with reading(modules) as ran:
        encoder.encode(_clips(), [tap])
    assert sorted(ran) == [f"block.{i}" for i in range(blocks)] + [f"layer.{i}" for i in range(layers)]
    assert len(language.layers) == 4


def test_a_language_model_that_was_built_shallow_gives_the_same_states_as_a_deep_one(spec: EncoderSpec) -> None:
    shallow = _encoder(spec).encode(_clips(), ["llm.01"])["llm.01"].tokens
    deep = _encoder(spec).encode(_clips(), ["llm.01", "llm.04"])["llm.01"].tokens
    assert torch.equal(shallow, deep)


def test_the_language_model_sees_earlier_tokens_and_the_prefix_only(spec: EncoderSpec) -> None:
    encoder = _encoder(spec)
    clips = _clips()
    changed = clips.clone()
    changed[..., -6:, -6:] = 0
    before, after = (encoder.encode(each, ["post_projector", "llm.03"]) for each in (clips, changed))
    assert (before["post_projector"].tokens - after["post_projector"].tokens).abs().amax(-1).min() > 0
    from foresight_internvl2.reading import read_language

    tokens = torch.randn(1, 64, 96)
    later = tokens.clone()
    later[:, 40] += 1
    first, second = (read_language(encoder._language_of(3), each, (1, 248), [3])[3] for each in (tokens, later))
    moved = (first - second).abs().amax(-1)[0] > 1e-6
    assert moved.tolist() == [False] * 40 + [True] * 24
    other = read_language(encoder._language_of(3), tokens, (1, 17), [3])[3]
    assert ((first - other).abs().amax(-1) > 1e-6).all()


def test_frames_are_pictures_of_their_own(spec: EncoderSpec) -> None:
    encoder = _encoder(spec)
    clips = _clips(frames=3)
    together = encoder.encode(clips, ["llm.02"])["llm.02"].tokens
    assert together.shape == (2, 3, 8, 8, 96)
    alone = torch.cat([encoder.encode(clips[:, t : t + 1], ["llm.02"])["llm.02"].tokens for t in range(3)], 1)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_another_side_interpolates_the_positions_and_says_so(spec: EncoderSpec) -> None:
    encoder = _encoder(spec, input_px=112)
    grids = encoder.encode(_clips(), ["pre_shuffle", "post_projector"])
    assert grids["pre_shuffle"].tokens.shape == (2, 1, 8, 8, 64)
    assert grids["post_projector"].tokens.shape == (2, 1, 4, 4, 96)
    assert encoder.facts()["positions"] == "bicubic from 224 px"
    assert _encoder(spec).facts()["positions"] == "as trained"


def test_random_positions_are_not_zero(spec: EncoderSpec) -> None:
    tower: Any = _encoder(spec)._vision.vision_tower
    assert tower.embeddings.position_embeddings.std() > 0.05
    assert tower.embeddings.cls_token.abs().sum() > 0
