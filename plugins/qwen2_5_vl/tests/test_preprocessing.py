from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.parts.checks.pictures import random_clips
from foresight_qwen2_5_vl.preprocessing import normalise, patchify, target_size
from foresight_vlm_kit.pictures import resize


def library_patches(pictures: torch.Tensor, **options: Any) -> tuple[torch.Tensor, list[list[int]]]:
    """[N, 3, H, W] uint8 -> rows of patches and grids, by the library's own processor."""
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

    processor: Any = Qwen2VLImageProcessor()
    out = processor(list(pictures), return_tensors="pt", **options)
    return out["pixel_values"], out["image_grid_thw"].tolist()


def pictures(rows: int, cols: int, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, rows, cols), generator=generator, dtype=torch.uint8)


def ours(clips: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int, int]]:
    patches, grid = patchify(clips, patch=14, merge=2, slot_frames=2)
    return normalise(patches), grid


@pytest.mark.parametrize("size", [(224, 224), (224, 336), (140, 196), (28, 28)])
def test_patches_equal_the_library_processor_on_whole_blocks(size: tuple[int, int]) -> None:
    raw = pictures(*size)
    expected, grids = library_patches(raw, do_resize=False)
    found, grid = ours((raw.float() / 255).unsqueeze(1))
    assert [list(grid)] * 2 == grids
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)


def test_resizing_equals_the_library_processor_up_to_its_rounding_to_8_bits() -> None:
    """The processor rounds twice: after columns and after rows."""
    raw = (random_clips((150, 230))[0] * 255).round().to(torch.uint8)
    expected, grids = library_patches(raw)
    size = (grids[0][1] * 14, grids[0][2] * 14)
    found, _ = ours(resize(raw.float() / 255, size).unsqueeze(1))
    assert (found - expected).abs().max() < 2.01 / 255 / 0.26


@pytest.mark.parametrize(
    ("given", "input_px", "expected"),
    [
        ((224, 224), 224, (224, 224)),
        ((480, 640), 224, (224, 308)),
        ((640, 480), 224, (308, 224)),
        ((140, 196), 140, (140, 196)),
        ((100, 3000), 28, (28, 840)),
        ((300, 300), 230, (224, 224)),
    ],
)
def test_short_side_is_near_input_px_in_whole_blocks(
    given: tuple[int, int], input_px: int, expected: tuple[int, int]
) -> None:
    assert target_size(*given, input_px, 28) == expected


def test_single_picture_fills_both_frames_of_its_slot() -> None:
    patches, grid = patchify(torch.rand(1, 1, 3, 28, 28), patch=14, merge=2, slot_frames=2)
    halves = patches.view(4, 3, 2, 14, 14)
    assert grid == (1, 2, 2)
    assert torch.equal(halves[:, :, 0], halves[:, :, 1])


def test_odd_clip_repeats_its_last_frame() -> None:
    clip = torch.rand(1, 5, 3, 28, 28)
    patches, grid = patchify(clip, patch=14, merge=2, slot_frames=2)
    halves = patches.view(3, 4, 3, 2, 14, 14)
    assert grid == (3, 2, 2)
    assert torch.equal(halves[2, :, :, 0], halves[2, :, :, 1])
    assert not torch.equal(halves[1, :, :, 0], halves[1, :, :, 1])


def test_patches_of_a_video_equal_the_library_processor() -> None:
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    raw = pictures(84, 56, count=5)
    processor: Any = Qwen2VLVideoProcessor()
    out = processor([raw], do_resize=False, cap_pixels_per_frame=False, return_tensors="pt")
    found, grid = ours((raw.float() / 255).unsqueeze(0))
    assert out["video_grid_thw"].tolist() == [list(grid)]
    torch.testing.assert_close(found, out["pixel_values_videos"], atol=2e-6, rtol=1e-5)


def test_picture_of_broken_blocks_is_refused() -> None:
    with pytest.raises(GridError, match=r"42x28 pixels are not whole blocks of 28"):
        patchify(torch.rand(1, 1, 3, 42, 28), patch=14, merge=2, slot_frames=2)
