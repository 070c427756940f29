"""Outlines of one area within one circle, and scenes whose masks are what was painted."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.datasets.identity import stream
from foresight_harness.parts.datasets.kind_drawing import (
    AREA,
    CONTRASTS,
    KINDS,
    TEXTURE,
    Piece,
    covered,
    draw,
    tint_beside,
)
from foresight_harness.parts.datasets.shape_drawing import background

STEPS = (np.arange(600) + 0.5) / 300 - 1
CANVAS_PX = 128


def piece(kind: str, *centres: tuple[float, float], reach: float = 0.12, angle: float = 0.4) -> Piece:
    return Piece(kind, angle, reach, np.array(centres))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
def test_every_kind_has_one_area_at_any_angle(kind: str, angle: float) -> None:
    assert covered(kind, angle, STEPS, STEPS).mean() * 4 == pytest.approx(AREA, rel=0.004)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_leaves_the_circle_of_its_reach_whatever_its_angle(kind: str) -> None:
    outside = STEPS[:, None] ** 2 + STEPS[None, :] ** 2 > 1
    assert not any((covered(kind, angle, STEPS, STEPS) & outside).any() for angle in np.linspace(0, 6, 13))


def test_the_triangle_reaches_the_circle_and_a_turn_moves_its_corners_with_it() -> None:
    assert covered("triangle", 0.0, np.array([0.0]), np.array([-0.99])).all()
    assert covered("triangle", np.pi, np.array([0.0]), np.array([0.99])).all()
    quarter = covered("triangle", np.pi / 2, np.array([-0.99, 0.99]), np.array([0.0]))[0]
    assert quarter.tolist() in ([True, False], [False, True])


def test_a_mask_holds_the_pixels_that_were_painted_and_no_others() -> None:
    pieces = (piece("star", (0.3, 0.3)), piece("cross", (0.7, 0.6)), piece("circle", (0.2, 0.8)))
    frames, masks = draw(stream("painted"), pieces, CANVAS_PX, noise=(0, 0))
    empty = np.clip(255 * background(stream("painted"), CANVAS_PX, TEXTURE), 0, 255).astype(np.uint8)
    changed = (np.abs(frames[0].astype(int) - empty) > 1).any(axis=2)
    assert not changed[~masks[0].any(axis=0)].any()
    assert all(changed[mask].mean() > 0.9 for mask in masks[0])
    areas = masks[0].sum(axis=(1, 2))
    np.testing.assert_allclose(areas, AREA * (0.12 * CANVAS_PX) ** 2, rtol=0.03)


def test_what_lies_on_top_is_cut_out_of_what_lies_below() -> None:
    whole = draw(stream("cut"), (piece("square", (0.5, 0.5)),), CANVAS_PX, noise=(0, 0))[1][0, 0]
    _, masks = draw(stream("cut"), (piece("square", (0.5, 0.5)), piece("star", (0.6, 0.5))), CANVAS_PX, noise=(0, 0))
    below, above = masks[0]
    assert (below & above).sum() == 0
    assert 0 < below.sum() < whole.sum()
    assert (below | (above & whole)).sum() == whole.sum()


def test_an_object_takes_its_light_along_as_it_moves_by_whole_pixels() -> None:
    centres = ((40.5 / CANVAS_PX, 0.5), (72.5 / CANVAS_PX, 0.5))
    frames, masks = draw(stream("moves"), (piece("star", *centres),), CANVAS_PX, noise=(0, 0))
    np.testing.assert_array_equal(np.roll(masks[0, 0], 32, axis=1), masks[1, 0])
    np.testing.assert_array_equal(np.roll(frames[0], 32, axis=1)[masks[1, 0]], frames[1][masks[1, 0]])


def test_tints_stand_out_from_what_lies_behind_them_all_about_as_much() -> None:
    grounds = [background(stream("ground", index), 16).mean(axis=(0, 1)) for index in range(300)]
    contrasts = [np.linalg.norm(tint_beside(stream("tint", i), one) - one) for i, one in enumerate(grounds)]
    assert np.mean([CONTRASTS[0] - 1e-6 <= one <= CONTRASTS[1] + 1e-6 for one in contrasts]) > 0.97
    assert min(contrasts) > 0.1
