from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from foresight_llava_next.tiling import Tiling, best_rectangle, tile_picture

PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
SIZES = [*itertools.product((50, 224, 336, 427, 672, 999), repeat=2), (480, 640), (1080, 1920), (30, 2000)]


@pytest.mark.parametrize("size", SIZES)
def test_tiles_and_tokens_are_those_of_the_library(size: tuple[int, int]) -> None:
    from transformers import image_processing_utils
    from transformers.models.llava_next import modeling_llava_next

    sizes: Any = image_processing_utils
    model: Any = modeling_llava_next
    found = tile_picture(size, PINPOINTS, 336, 24)
    target = sizes.select_best_resolution(size, PINPOINTS)
    assert (found.tile_rows * 336, found.tile_cols * 336) == target
    assert found.resized == sizes.get_patch_output_size(
        torch.empty(3, *size), target, input_data_format="channels_first"
    )
    rows, cols = target[0] // 14, target[1] // 14
    places = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij"))
    kept = model.unpad_image(places, size)
    assert torch.equal(kept, places[:, slice(*found.rows), slice(*found.cols)])


def test_tiling_of_a_wide_picture_by_hand() -> None:
    """336 x 480 px: on 336 x 672 it keeps all pixels and leaves 96 px of black left and right, 48 - 34 tokens."""
    expected = Tiling(1, 2, (336, 480), (0, 96), rows=(0, 24), cols=(7, 41))
    assert tile_picture((336, 480), PINPOINTS, 336, 24) == expected
    assert expected.grid == (24, 34)


def test_square_picture_of_672_px_takes_four_tiles_without_border() -> None:
    assert tile_picture((672, 672), PINPOINTS, 336, 24) == Tiling(2, 2, (672, 672), (0, 0), (0, 48), (0, 48))


def test_first_of_equal_rectangles_is_taken() -> None:
    assert best_rectangle((336, 336), PINPOINTS) == (336, 672)
    assert best_rectangle((336, 336), PINPOINTS[1:]) == (672, 336)
