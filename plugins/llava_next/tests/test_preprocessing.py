from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness.surface.conformance.pictures import random_clips
from foresight_llava_next.preprocessing import base_tile, cut_tiles, normalise, resize
from foresight_llava_next.presets import Preset
from foresight_llava_next.tiling import tile_picture

TWO_ROUNDINGS = 2.01 / 255 / 0.26
"""The library resizes in 8 bits and rounds after columns and after rows."""


def ours(raw: torch.Tensor, preset: Preset) -> torch.Tensor:
    """[3, H, W] uint8 -> [tiles, 3, 224, 224], base tile first."""
    frames = (raw.float() / 255).unsqueeze(0)
    size = (raw.shape[1], raw.shape[2])
    tiling = tile_picture(size, preset.config["image_grid_pinpoints"], 224, 16)
    return normalise(torch.cat([base_tile(frames, 224), cut_tiles(frames, tiling, 224)], dim=1))[0]


def library(raw: torch.Tensor, preset: Preset) -> torch.Tensor:
    from transformers.models.llava_next.image_processing_llava_next import LlavaNextImageProcessor

    processor: Any = LlavaNextImageProcessor(
        size={"shortest_edge": 224},
        crop_size={"height": 224, "width": 224},
        image_grid_pinpoints=preset.config["image_grid_pinpoints"],
    )
    pixels: torch.Tensor = processor([raw], return_tensors="pt")["pixel_values"][0]
    return pixels


@pytest.mark.parametrize("size", [(448, 448), (224, 336), (336, 224), (224, 224)])
def test_tiles_of_a_picture_that_fits_equal_the_library_processor(size: tuple[int, int], tiny: Preset) -> None:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8)
    found, expected = ours(raw, tiny), library(raw, tiny)
    assert found.shape == expected.shape
    torch.testing.assert_close(found[1:], expected[1:], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("size", [(150, 230), (300, 300), (500, 260), (90, 400)])
def test_tiles_of_a_resized_picture_equal_the_library_processor_up_to_8_bits(
    size: tuple[int, int], tiny: Preset
) -> None:
    raw = (random_clips(size)[0, 0] * 255).round().to(torch.uint8)
    found, expected = ours(raw, tiny), library(raw, tiny)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < TWO_ROUNDINGS


def test_border_is_black_before_normalisation(tiny: Preset) -> None:
    tiling = tile_picture((224, 336), tiny.config["image_grid_pinpoints"], 224, 16)
    tiles = cut_tiles(torch.ones(1, 3, 224, 336), tiling, 224)
    assert tiles.shape == (1, 2, 3, 224, 224)
    assert float(tiles[0, 0, :, :, :56].max()) == 0
    assert float(tiles[0, 0, :, :, 56:].min()) == 1


def test_resizing_stays_within_the_range_of_pixels() -> None:
    edge = torch.zeros(1, 3, 40, 40)
    edge[..., 20:] = 1
    out = resize(edge, (56, 56))
    assert out.min() >= 0
    assert out.max() <= 1


def test_normalising_does_not_write_into_the_callers_picture() -> None:
    frames = torch.ones(1, 3, 4, 4)
    normalise(frames)
    assert bool((frames == 1).all())
