from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.borders import error_at_border, error_at_edges, near_edges
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

SIDE = 64


@pytest.fixture
def square() -> tuple[Tensor, Tensor]:
    """A white square on black, and its mask. [1, 1, 3, 64, 64], [1, 1, 64, 64]"""
    mask = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    mask[..., 20:40, 24:44] = True
    return mask.float().expand(1, 3, SIDE, SIDE)[None].clone(), mask


def test_edges_are_one_pixel_on_either_side_and_none_where_the_picture_cuts() -> None:
    mask = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    mask[..., 10:20, 50:] = True  # runs out of the picture on the right
    near = near_edges(mask)[0]
    by_hand = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    by_hand[9:21, 49:] = True
    by_hand[11:19, 51:] = False
    assert torch.equal(near, by_hand)


def test_every_object_has_its_own_edge_and_none_is_no_edge() -> None:
    masks = torch.zeros(1, 2, SIDE, SIDE, dtype=torch.bool)
    masks[:, 0, :, :32] = True
    masks[:, 1, :, 32:] = True  # side by side: together they cover everything
    assert near_edges(masks)[0].sum() == 2 * SIDE
    assert not near_edges(masks[:, :0]).any()
    assert math.isnan(float(error_at_edges(*torch.rand(2, 1, 1, 3, SIDE, SIDE), [masks[:, :0]]).lean))


def test_errors_painted_by_hand_are_read_where_they_are(square: tuple[Tensor, Tensor]) -> None:
    target, mask = square
    near = near_edges(mask)[:, None]
    found = error_at_edges(target + (0.2 * near - 0.3 * near * (target > 0.5)), target, [mask])
    outer, inner = 22 * 22 - 20 * 20, 20 * 20 - 18 * 18
    assert float(found.there) == pytest.approx((0.2 * outer + 0.1 * inner) / (outer + inner), rel=1e-5)
    assert float(found.elsewhere) == 0.0
    assert float(found.lean) == 1.0
    off = error_at_edges((target - 0.25 * ~near).abs(), target, [mask])
    assert (float(off.there), float(off.lean)) == (0.0, 0.0)
    assert float(off.elsewhere) == pytest.approx(0.25)


def test_a_blur_leans_to_edges_and_a_grey_haze_does_not(square: tuple[Tensor, Tensor]) -> None:
    target, mask = square
    blurred = gaussian_blur(target[0], [5, 5], 1.0)[None]
    assert float(error_at_edges(blurred, target, [mask]).lean) > 0.95
    haze = 0.8 * target + 0.1
    assert float(error_at_edges(haze, target, [mask]).lean) == pytest.approx(0.5)


def test_a_planted_frame_of_errors_leans_to_the_border(square: tuple[Tensor, Tensor]) -> None:
    target, _ = square
    framed = target.clone()
    framed[..., :4, :] = 0.5  # 1/16 of 64
    found = error_at_border(framed, target)
    assert float(found.there) == pytest.approx(0.5 * 4 * SIDE / (SIDE**2 - 56**2))
    assert float(found.lean) == 1.0
    framed[..., 4, 4:60] = 0.5
    assert float(error_at_border(framed, target).elsewhere) == pytest.approx(0.5 * 56 / 56**2)


def test_noise_is_even_and_a_perfect_copy_has_no_place(generator: torch.Generator) -> None:
    target = torch.rand(2, 2, 3, SIDE, SIDE, generator=generator)
    noisy = (target + 0.2 * torch.randn(target.shape, generator=generator)).clamp(0, 1)
    assert error_at_border(noisy, target).lean == pytest.approx(torch.full((2,), 0.5), abs=0.02)
    assert bool(error_at_border(target, target).lean.isnan().all())
    assert bool(error_at_border((target + 1e-5).clamp(0, 1), target).lean.isnan().all())


def test_masks_of_other_clips_are_refused(square: tuple[Tensor, Tensor]) -> None:
    target, mask = square
    with pytest.raises(DataError, match="masks of 2 samples for 1 clips"):
        error_at_edges(target, target, [mask, mask])
    with pytest.raises(DataError, match="of the clip, got"):
        error_at_edges(target, target, [mask[..., 1:]])
