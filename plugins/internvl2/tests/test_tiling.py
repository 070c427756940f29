"""Canvases are the library's, which chooses as the published code does."""

from __future__ import annotations

import pytest
from foresight_internvl2.tiling import Canvas, canvas_of


@pytest.mark.parametrize(
    ("size", "rows", "cols"),
    [((448, 448), 1, 1), ((480, 640), 3, 4), ((1080, 1920), 2, 4), ((400, 1000), 2, 5), ((224, 224), 1, 1)],
)
def test_canvases_of_known_pictures(size: tuple[int, int], rows: int, cols: int) -> None:
    assert canvas_of(size, 448) == Canvas(rows, cols)


def test_every_canvas_is_the_librarys() -> None:
    from transformers.models.got_ocr2.image_processing_got_ocr2 import get_optimal_tiled_canvas

    for rows_px in range(20, 1500, 37):
        for cols_px in range(20, 1500, 41):
            cols, rows = get_optimal_tiled_canvas((rows_px, cols_px), (448, 448), 1, 12)
            assert canvas_of((rows_px, cols_px), 448) == Canvas(rows, cols), (rows_px, cols_px)


def test_a_thumbnail_follows_more_than_one_tile() -> None:
    assert not Canvas(1, 1).thumbnail
    assert Canvas(1, 2).thumbnail
