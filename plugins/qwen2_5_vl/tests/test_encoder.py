"""The encoder against the library's whole model, and how much of it runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.contracts.errors import CandidateError, GridError, UsageError
from foresight_harness.surface.conformance.pictures import random_clips
from foresight_harness.surface.conformance.watching import watch_modules

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


def classes_run(encoder: Any, taps: list[str]) -> dict[str, int]:
    """Calls by class name during one encode."""
    with watch_modules() as calls:
        encoder.encode(random_clips((112, 140)), taps)
    counts: dict[str, int] = {}
    for call in calls.finished:
        name = type(call.module).__name__
        counts[name] = counts.get(name, 0) + 1
    return counts


def test_block_tap_stops_the_tower_after_its_block(spec: EncoderSpec) -> None:
    encoder = build(spec)
    ran: list[int] = []
    for place, block in enumerate(encoder.tower.blocks):
        block.register_forward_pre_hook(lambda module, inputs, place=place: ran.append(place))
    encoder.encode(random_clips((112, 112)), ["block.01", "patch_embed"])
    assert ran == [0, 1]


def test_patch_embed_runs_no_block_and_pre_merge_runs_no_merger(spec: EncoderSpec) -> None:
    encoder = build(spec)
    assert "Qwen2_5_VLVisionAttention" not in classes_run(encoder, ["patch_embed"])
    before = classes_run(encoder, ["pre_merge"])
    assert before["Qwen2_5_VLVisionAttention"] == 4
    assert "Qwen2_5_VLPatchMerger" not in before
    assert classes_run(encoder, ["post_merge"])["Qwen2_5_VLPatchMerger"] == 1


def test_vision_taps_neither_build_nor_run_the_language_model(spec: EncoderSpec) -> None:
    encoder = build(spec)
    counts = classes_run(encoder, ["patch_embed", "block.03", "pre_merge", "post_merge"])
    assert "Qwen2_5_VLDecoderLayer" not in counts
    assert encoder.language is None
    assert encoder.facts()["params_built"] == 104_800
    assert encoder.facts()["llm_blocks"] == 0


def test_llm_tap_builds_and_runs_only_its_blocks_and_the_tower_once(spec: EncoderSpec) -> None:
    encoder = build(spec)
    encoder.encode(random_clips((112, 112)), ["llm.02"])
    assert encoder.facts()["llm_blocks"] == 2
    attentions = classes_run(encoder, ["llm.01", "block.00"])
    assert attentions["Qwen2_5_VLAttention"] == 1
    assert attentions["Qwen2_5_VLVisionAttention"] == 4


def test_features_of_a_tap_do_not_depend_on_how_deep_the_model_was_built(spec: EncoderSpec) -> None:
    """Cached features are found by seed and tap, so they must not depend on what else was asked for."""
    clips = random_clips((112, 140))
    shallow = build(spec).encode(clips, ["llm.02"])["llm.02"].tokens
    grown = build(spec)
    grown.encode(clips, ["llm.01"])
    deep = grown.encode(clips, ["llm.02", "llm.04"])["llm.02"].tokens
    assert torch.equal(shallow, deep)


def test_language_model_is_told_how_far_apart_slots_are(spec: EncoderSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build(spec)
    clips = random_clips((112, 140), frames=4)
    near = encoder.encode(clips, ["llm.01"])["llm.01"].tokens
    monkeypatch.setattr("foresight_qwen2_5_vl.language.SECONDS_PER_SLOT", 4.0)
    far = encoder.encode(clips, ["llm.01"])["llm.01"].tokens
    assert torch.equal(near[:, 0], far[:, 0])
    assert not torch.allclose(near[:, 1], far[:, 1])


def test_hooks_are_gone_after_an_early_stop(spec: EncoderSpec) -> None:
    encoder = build(spec)
    encoder.encode(random_clips((112, 112)), ["block.01", "llm.01"])
    encoder.encode(random_clips((112, 112)), ["block.01"])
    assert not any(module._forward_hooks for module in (*encoder.tower.blocks, *encoder.language.language_model.layers))


def test_input_px_sets_the_grid(spec: EncoderSpec) -> None:
    clips = random_clips((224, 224))
    assert build(spec).encode(clips, ["post_merge"])["post_merge"].shape.rows == 8
    assert build(spec, input_px=448).encode(clips, ["post_merge"])["post_merge"].shape.rows == 16


def test_bfloat16_weights_are_the_float32_weights_rounded(spec: EncoderSpec) -> None:
    full, half = (build(spec, dtype=dtype).tower.state_dict() for dtype in ("float32", "bfloat16"))
    assert all(torch.equal(full[name].bfloat16(), half[name]) for name in full)


def test_unknown_tap_is_refused_by_name(spec: EncoderSpec) -> None:
    with pytest.raises(CandidateError, match=r"qwen2_5_vl_tiny has no tap block\.31; it has patch_embed, block\.00"):
        build(spec).encode(random_clips((112, 112)), ["block.31"])


def test_clips_of_another_shape_are_refused(spec: EncoderSpec) -> None:
    with pytest.raises(GridError, match=r"got shape \(1, 3, 112, 112\)"):
        build(spec).encode(torch.rand(1, 3, 112, 112), ["block.00"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "activations overflow"),
        ({"input_px": 20}, "one token covers 28 px"),
        ({"weights": "nano"}, "has no nano weights"),
        ({"attention": "flash_attention_2"}, "needs a CUDA device"),
    ],
)
def test_requests_that_cannot_be_granted_are_refused(spec: EncoderSpec, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(spec, **options)


def test_full_size_is_refused_before_anything_is_allocated(monkeypatch: pytest.MonkeyPatch, spec: EncoderSpec) -> None:
    from foresight_qwen2_5_vl import foresight_encoders

    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
    largest = {one.name: one for one in foresight_encoders()}["qwen2_5_vl_72b"]
    with pytest.raises(UsageError, match=r"qwen2_5_vl_72b \(visual\) needs 2.6 GiB"):
        build(largest)


def test_language_blocks_that_do_not_fit_beside_the_tower_are_refused_before_it_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from foresight_qwen2_5_vl import building, foresight_encoders

    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 4 * 2**30)
    monkeypatch.setattr(building, "seeded_model", lambda *given: pytest.fail("the tower was built"))
    largest = {one.name: one for one in foresight_encoders()}["qwen2_5_vl_72b"]
    with pytest.raises(UsageError, match=r"72b \(visual and 14 blocks of the language_model\) needs \d+\.\d GiB"):
        build(largest, taps=("post_merge", "llm.14"))
