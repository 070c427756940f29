from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness.parts.checks.pictures import random_clips
from foresight_llava_next.preprocessing import cut_tiles
from foresight_llava_next.presets import Size
from foresight_llava_next.tiling import tile_picture
from foresight_vlm_kit.pictures import normalise, resize
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD

TWO_ROUNDINGS = 2.01 / 255 / 0.26
"""The library resizes in 8 bits and rounds after columns and after rows."""


def ours(raw: torch.Tensor, preset: Size) -> torch.Tensor:
    """[3, H, W] uint8 -> [tiles, 3, 224, 224], base tile first."""
    frames = (raw.float() / 255).unsqueeze(0)
    size = (raw.shape[1], raw.shape[2])
    tiling = tile_picture(size, preset.config["image_grid_pinpoints"], 224, 16)
    tiles = torch.cat([resize(frames, (224, 224)).unsqueeze(1), cut_tiles(frames, tiling, 224)], dim=1)
    return normalise(tiles, CLIP_MEAN, CLIP_STD)[0]


def library(raw: torch.Tensor, preset: Size) -> torch.Tensor:
    from transformers.models.llava_next.image_processing_llava_next import LlavaNextImageProcessor

    processor: Any = LlavaNextImageProcessor(
        size={"shortest_edge": 224},
        crop_size={"height": 224, "width": 224},
        image_grid_pinpoints=preset.config["image_grid_pinpoints"],
    )
    pixels: torch.Tensor = processor([raw], return_tensors="pt")["pixel_values"][0]
    return pixels


@pytest.mark.parametrize("size", [(448, 448), (224, 336), (336, 224), (224, 224)])
def test_tiles_of_a_picture_that_fits_equal_the_library_processor(size: tuple[int, int], tiny: Size) -> None:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8)
    found, expected = ours(raw, tiny), library(raw, tiny)
    assert found.shape == expected.shape
    torch.testing.assert_close(found[1:], expected[1:], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("size", [(150, 230), (300, 300), (500, 260), (90, 400)])
def test_tiles_of_a_resized_picture_equal_the_library_processor_up_to_8_bits(size: tuple[int, int], tiny: Size) -> None:
    raw = (random_clips(size)[0, 0] * 255).round().to(torch.uint8)
    found, expected = ours(raw, tiny), library(raw, tiny)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < TWO_ROUNDINGS


def test_border_is_black_before_normalisation(tiny: Size) -> None:
    tiling = tile_picture((224, 336), tiny.config["image_grid_pinpoints"], 224, 16)
    tiles = cut_tiles(torch.ones(1, 3, 224, 336), tiling, 224)
    assert tiles.shape == (1, 2, 3, 224, 224)
    assert float(tiles[0, 0, :, :, :56].max()) == 0
    assert float(tiles[0, 0, :, :, 56:].min()) == 1
