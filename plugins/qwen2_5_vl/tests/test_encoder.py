"""The encoder against the library's whole model, and how much of it runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.parts.checks.watching import watch_modules

SIZES = [(224, 336), (336, 224), (140, 196)]


def build(spec: EncoderSpec, **options: Any) -> Any:
    return spec.build(BuildRequest(**options))


def assert_same(found: torch.Tensor, expected: torch.Tensor, tap: str) -> None:
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4, msg=lambda text: f"{tap}: {text}")


def unpermuted(raw: torch.Tensor, grid: tuple[int, int, int]) -> torch.Tensor:
    """Block output to raster order for one picture, by the library's window index. [N, C] -> [T, H, W, C]"""
    from transformers.vision_utils import get_vision_window_index

    slots, rows, cols = grid
    order, _ = get_vision_window_index(torch.tensor([grid]), 2, 112, 14)
    blocks = raw.view(-1, 4, raw.shape[-1])[torch.argsort(order)]
    tiles = blocks.view(slots, rows // 2, cols // 2, 2, 2, -1)
    return tiles.permute(0, 1, 3, 2, 4, 5).reshape(slots, rows, cols, -1)


def library(model: Any, clip: torch.Tensor, prompt: list[int]) -> tuple[Any, list[torch.Tensor], tuple[int, int, int]]:
    """Tower outputs, states of the language model at the vision tokens and the grid, by the library's whole path.

    Args:
        model: The library's complete model.
        clip: 8-bit frames; one is a picture. [T, 3, H_px, W_px] uint8
        prompt: Ids before the vision tokens.
    """
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    video = len(clip) > 1
    processor: Any = Qwen2VLVideoProcessor() if video else Qwen2VLImageProcessor()
    options = {"cap_pixels_per_frame": False} if video else {}
    batch = processor([clip if video else clip[0]], do_resize=False, return_tensors="pt", **options)
    pixels, sizes = batch.values()
    tail = [253, 9, 10]
    count = int(sizes.prod()) // 4
    ids = torch.tensor([[*prompt, *[251 if video else 250] * count, *tail]])
    names = ("pixel_values_videos", "video_grid_thw") if video else ("pixel_values", "image_grid_thw")
    states: list[torch.Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda module, inputs, output: states.append(output))
        for layer in model.model.language_model.layers
    ]
    with torch.no_grad():
        tower = model.model.visual(pixels, grid_thw=sizes, output_hidden_states=True)
        model.model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=((ids == 250) + 2 * (ids == 251)).int(),
            second_per_grid_ts=torch.tensor([1.0]) if video else None,
            use_cache=False,
            **dict(zip(names, (pixels, sizes), strict=True)),
        )
    for hook in hooks:
        hook.remove()
    at = (ids[0] == 250) | (ids[0] == 251)
    return tower, [state[0, at] for state in states], tuple(sizes[0].tolist())


@pytest.mark.parametrize(("size", "frames"), [*((size, 1) for size in SIZES), ((140, 196), 5)])
def test_every_tap_equals_the_whole_model_of_the_library(
    spec: EncoderSpec, whole_model: Any, size: tuple[int, int], frames: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randint(0, 256, (frames, 3, *size), generator=generator, dtype=torch.uint8)
    tower, states, grid = library(whole_model, raw, [*range(3, 17), 252])
    encoder = build(spec, input_px=min(size))
    found = encoder.encode((raw.float() / 255).unsqueeze(0), [tap.name for tap in spec.taps])
    merged = (grid[0], grid[1] // 2, grid[2] // 2, -1)
    expected = {
        "patch_embed": unpermuted(tower.hidden_states[0], grid),
        **{f"block.{i:02d}": unpermuted(tower.hidden_states[i + 1], grid) for i in range(4)},
        "pre_merge": unpermuted(tower.last_hidden_state, grid),
        "post_merge": tower.pooler_output.view(merged),
        **{f"llm.{k:02d}": states[k - 1].view(merged) for k in range(1, 5)},
    }
    assert list(found) == list(expected)
    for tap, tokens in expected.items():
        assert_same(found[tap].tokens[0], tokens, tap)


def test_deepest_llm_tap_is_read_before_the_final_norm(spec: EncoderSpec, whole_model: Any) -> None:
    encoder = build(spec)
    tokens = encoder.encode(random_clips((224, 224)), ["llm.04"])["llm.04"].tokens
    normed = whole_model.model.language_model.norm(tokens)
    assert (tokens - normed).abs().max() > 0.1


def test_raw_block_output_reshaped_to_a_grid_is_not_the_tap(spec: EncoderSpec) -> None:
    """The fault that this plugin exists to avoid: window order read as raster order."""
    encoder = build(spec)
    kept: list[torch.Tensor] = []
    hook = encoder.tower.blocks[3].register_forward_hook(lambda module, inputs, output: kept.append(output))
    tokens = encoder.encode(random_clips((224, 336)), ["pre_merge"])["pre_merge"].tokens
    hook.remove()
    assert not torch.allclose(kept[0].view(tokens.shape), tokens)
    torch.testing.assert_close(kept[0].sort(dim=0).values, tokens.flatten(0, -2).sort(dim=0).values)


def test_pre_merge_runs_no_merger(spec: EncoderSpec) -> None:
    encoder = build(spec)
    for tap, merged in (("pre_merge", False), ("post_merge", True)):
        with watch_modules() as calls:
            encoder.encode(random_clips((112, 140)), [tap])
        assert ("Qwen2_5_VLPatchMerger" in {type(call.module).__name__ for call in calls.finished}) == merged


def test_language_model_is_told_how_far_apart_slots_are(spec: EncoderSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build(spec)
    clips = random_clips((112, 140), frames=4)
    near = encoder.encode(clips, ["llm.01"])["llm.01"].tokens
    monkeypatch.setattr("foresight_qwen2_5_vl.encoder.SECONDS_PER_SLOT", 4.0)
    far = encoder.encode(clips, ["llm.01"])["llm.01"].tokens
    assert torch.equal(near[:, 0], far[:, 0])
    assert not torch.allclose(near[:, 1], far[:, 1])


def test_input_px_sets_the_grid(spec: EncoderSpec) -> None:
    clips = random_clips((224, 224))
    assert build(spec).encode(clips, ["post_merge"])["post_merge"].shape.rows == 8
    assert build(spec, input_px=448).encode(clips, ["post_merge"])["post_merge"].shape.rows == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "activations overflow"),
        ({"input_px": 20}, "one token covers 28 px"),
        ({"attention": "flash_attention_2"}, "needs a CUDA device"),
    ],
)
def test_requests_that_cannot_be_granted_are_refused(spec: EncoderSpec, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(spec, **options)
