"""The encoder against the library's whole model, and how much of it runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.parts.checks.watching import watch_modules
from foresight_llava_next.grids import unpack
from foresight_llava_next.preprocessing import cut_tiles
from foresight_llava_next.presets import STAND_IN_PROMPT, Size
from foresight_llava_next.tiling import tile_picture
from foresight_vlm_kit import pictures
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD

SIDE = 16


def normalise(tiles: torch.Tensor) -> torch.Tensor:
    return pictures.normalise(tiles, CLIP_MEAN, CLIP_STD)


def build(spec: EncoderSpec, **options: Any) -> Any:
    return spec.build(BuildRequest(**options))


def assert_same(found: torch.Tensor, expected: torch.Tensor, tap: str) -> None:
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4, msg=lambda text: f"{tap}: {text}")


def states_at(model: Any, ids: torch.Tensor, **inputs: Any) -> list[torch.Tensor]:
    """Raw states after each block of the language model at the picture's places, by the library's whole forward."""
    states: list[torch.Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda module, args, output: states.append(output))
        for layer in model.model.language_model.layers
    ]
    with torch.no_grad():
        model.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **inputs)
    for hook in hooks:
        hook.remove()
    return [state[0, ids[0] == 250] for state in states]


def sequence(count: int) -> torch.Tensor:
    return torch.tensor([[*STAND_IN_PROMPT, *[250] * count, 9, 10, 11]])


@pytest.mark.parametrize("size", [(224, 336), (336, 224), (224, 224)])
def test_every_tap_of_the_base_tile_equals_the_whole_model_of_the_library(
    spec: EncoderSpec, whole_model: Any, size: tuple[int, int]
) -> None:
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    clips = random_clips(size)
    found = build(spec).encode(clips, [tap.name for tap in spec.taps])
    core = whole_model.model
    with torch.no_grad():
        pixels = normalise(pictures.resize(clips[0], (224, 224)))
        tower = core.vision_tower(pixels, output_hidden_states=True)
        patches = core.vision_tower.embeddings.patch_embedding(pixels)
        projected = core.multi_modal_projector(tower.hidden_states[-2][:, 1:])
        encoded: Any = BaseModelOutputWithPooling(pooler_output=[projected[0]])  # type: ignore[arg-type]
    states = states_at(whole_model, sequence(SIDE * SIDE), mm_encoder_outputs={"image": encoded})
    expected = {
        "patch_embed": patches[0].permute(1, 2, 0),
        **{f"block.{i:02d}": tower.hidden_states[i + 1][0, 1:].view(SIDE, SIDE, -1) for i in range(4)},
        "post_projector": projected[0].view(SIDE, SIDE, -1),
        **{f"llm.{k:02d}": states[k - 1].view(SIDE, SIDE, -1) for k in range(1, 5)},
    }
    assert set(found) == set(expected)
    for tap, tokens in expected.items():
        assert_same(found[tap].tokens[0, 0], tokens, tap)


@pytest.mark.parametrize("size", [(448, 448), (224, 336), (336, 224), (230, 500)])
def test_projected_and_llm_taps_of_the_tiles_equal_the_whole_model_of_the_library(
    hires: EncoderSpec, whole_model: Any, tiny: Size, size: tuple[int, int]
) -> None:
    """At this input size the tiling rule is shown the picture's own size, as the library's model is."""
    clips = random_clips(size)
    encoder = build(hires)
    encoder.input_px = min(size)
    tiling = tile_picture(size, tiny.config["image_grid_pinpoints"], 224, SIDE)
    pixels = normalise(
        torch.cat([pictures.resize(clips[0], (224, 224)).unsqueeze(1), cut_tiles(clips[0], tiling, 224)], dim=1)
    )
    sizes = torch.tensor([size])
    with torch.no_grad():
        packed = whole_model.model.get_image_features(pixels, sizes, output_hidden_states=True).pooler_output[0]
    states = states_at(whole_model, sequence(len(packed)), pixel_values=pixels, image_sizes=sizes)
    found = encoder.encode(clips, ["post_projector", "llm.01", "llm.04"])
    for tap, tokens in {"post_projector": packed, "llm.01": states[0], "llm.04": states[3]}.items():
        assert len(tokens) == SIDE * SIDE + tiling.grid[0] * (tiling.grid[1] + 1)
        assert_same(found[tap].tokens[0], unpack(tokens.unsqueeze(0), SIDE * SIDE, tiling.grid), tap)


def test_blocks_of_the_tiles_are_the_tiles_own_blocks(hires: EncoderSpec, whole_model: Any) -> None:
    clips = random_clips((448, 448))
    found = build(hires).encode(clips, ["patch_embed", "block.02"])
    with torch.no_grad():
        quarter = normalise(clips[0, :, :, :224, 224:])
        tower = whole_model.model.vision_tower(quarter, output_hidden_states=True)
        patches = whole_model.model.vision_tower.embeddings.patch_embedding(quarter)
    assert found["block.02"].shape.rows == 2 * SIDE
    assert_same(
        found["block.02"].tokens[0, 0, :SIDE, SIDE:], tower.hidden_states[3][0, 1:].view(SIDE, SIDE, -1), "block"
    )
    assert_same(found["patch_embed"].tokens[0, 0, :SIDE, SIDE:], patches[0].permute(1, 2, 0), "patch_embed")


def test_vision_features_of_the_tiles_do_not_depend_on_whether_the_llm_is_read(hires: EncoderSpec) -> None:
    """With a language model tap the base tile runs too; without one it does not."""
    clips = random_clips((224, 336))
    encoder = build(hires)
    alone = encoder.encode(clips, ["block.01"])["block.01"].tokens
    beside = encoder.encode(clips, ["block.01", "llm.01"])["block.01"].tokens
    torch.testing.assert_close(alone, beside)


def test_deepest_llm_tap_is_read_before_the_final_norm(spec: EncoderSpec, whole_model: Any) -> None:
    tokens = build(spec).encode(random_clips((224, 224)), ["llm.04"])["llm.04"].tokens
    assert (tokens - whole_model.model.language_model.norm(tokens)).abs().max() > 0.1


def classes_run(encoder: Any, tap: str) -> set[str]:
    """Names of the classes that run during one encode."""
    with watch_modules() as calls:
        encoder.encode(random_clips((112, 140)), [tap])
    return {type(call.module).__name__ for call in calls.finished}


def test_blocks_do_not_run_the_projector(spec: EncoderSpec) -> None:
    assert "LlavaNextMultiModalProjector" not in classes_run(build(spec), "block.02")


def test_mistral_sizes_run_mistral_blocks(tiny: Size) -> None:
    from dataclasses import replace

    from foresight_llava_next.encoder import build_encoder

    text = {**tiny.config["text_config"], "model_type": "mistral", "sliding_window": None}
    encoder = build_encoder(replace(tiny, config={**tiny.config, "text_config": text}), BuildRequest(), tiled=False)
    assert "MistralDecoderLayer" in classes_run(encoder, "llm.02")


@pytest.mark.parametrize(("size", "rows", "cols"), [((96, 96), 32, 32), ((224, 448), 16, 32), ((100, 300), 16, 48)])
def test_grid_of_the_tiles_follows_the_shape_of_the_picture(
    hires: EncoderSpec, size: tuple[int, int], rows: int, cols: int
) -> None:
    shape = build(hires).encode(random_clips(size), ["block.00"])["block.00"].shape
    assert (shape.rows, shape.cols) == (rows, cols)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_px": 336}, r"takes tiles of 224 px, so input_px is 224$"),
        ({"attention": "flash_attention_2"}, "needs a CUDA device"),
    ],
)
def test_requests_that_cannot_be_granted_are_refused(spec: EncoderSpec, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(spec, **options)


def test_tiles_take_one_or_two_tile_sides_as_input_size(hires: EncoderSpec) -> None:
    shapes = [
        build(hires, input_px=px).encode(random_clips((96, 96)), ["block.00"])["block.00"].shape for px in (224, 448)
    ]
    assert [shape.rows for shape in shapes] == [16, 32]
    with pytest.raises(UsageError, match=r"input_px is 224 or 448"):
        build(hires, input_px=500)
