"""How much of a picture its tokens hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.parts.probes.linear_pixels import LinearPixels, patches_of
from torch import Tensor

torch.set_num_threads(1)


def pictures(count: int, seed: int, frames: int = 1) -> Tensor:
    return torch.rand(count, frames, 3, 12, 12, generator=torch.Generator().manual_seed(seed))


def batched(clips: Tensor, size: int = 10) -> list[Tensor]:
    return list(torch.split(clips, size))


def test_patches_stand_where_their_tokens_do() -> None:
    clips = torch.zeros(1, 1, 3, 12, 12)
    clips[0, 0, 1, 5, 10] = 1.0
    patches = patches_of(clips, 1, 3, 4)
    assert patches.shape == (1, 1, 3, 4, 3 * 4 * 3)
    assert patches[0, 0, 1, 3].reshape(3, 4, 3)[1, 1, 1] == 1.0
    assert patches.sum() == 1.0


def test_pictures_that_the_grid_does_not_divide_are_resized() -> None:
    assert patches_of(pictures(2, 0), 1, 5, 5).shape == (2, 1, 5, 5, 3 * 2 * 2)


def test_a_slot_stands_for_the_last_of_its_frames() -> None:
    clips = pictures(1, 0, frames=4)
    torch.testing.assert_close(patches_of(clips, 2, 3, 3)[:, 0], patches_of(clips[:, 1:2], 1, 3, 3)[:, 0])
    torch.testing.assert_close(patches_of(clips, 2, 3, 3)[:, 1], patches_of(clips[:, 3:], 1, 3, 3)[:, 0])


def test_tokens_that_hold_all_pixels_explain_everything_and_constant_tokens_nothing() -> None:
    train, test = pictures(40, 0), pictures(20, 1)
    mixing = torch.linalg.qr(torch.randn(48, 48, generator=torch.Generator().manual_seed(2)))[0]
    one = LinearPixels()
    one.fit(TensorBatches(patches_of(train, 1, 3, 3) @ mixing, 10), batched(train))
    found = one.r2(TensorBatches(patches_of(test, 1, 3, 3) @ mixing, 10), batched(test))
    assert found.shape == (20,)
    assert found.min() > 0.999
    one.fit(TensorBatches(torch.ones(40, 1, 3, 3, 4), 10), batched(train))
    assert abs(one.r2(TensorBatches(torch.ones(20, 1, 3, 3, 4), 10), batched(test))).max() < 0.05


def test_r2_is_the_share_of_each_pictures_own_variance() -> None:
    train, test = pictures(40, 0), pictures(10, 1)
    tokens = [patches_of(clips, 1, 3, 3)[..., :20] for clips in (train, test)]
    one = LinearPixels()
    one.fit(TensorBatches(tokens[0], 10), batched(train))
    x, y = (values.flatten(0, 3).double().numpy() for values in (tokens[0], patches_of(train, 1, 3, 3)))
    design = np.concatenate([x, np.ones((len(x), 1))], 1)
    weight = np.linalg.lstsq(design, y, rcond=None)[0]
    picture = np.concatenate([tokens[1][3].flatten(0, 2).numpy(), np.ones((9, 1))], 1) @ weight
    true = patches_of(test, 1, 3, 3)[3].flatten(0, 2).double().numpy()
    pixels = test[3, 0].double().numpy()
    spread = np.square(pixels - pixels.mean((1, 2), keepdims=True)).sum()
    expected = 1 - np.square(picture - true).sum() / spread
    assert one.r2(TensorBatches(tokens[1], 10), batched(test))[3] == pytest.approx(expected, abs=0.01)


def test_a_picture_of_one_colour_has_no_r2() -> None:
    train = pictures(10, 0)
    one = LinearPixels()
    one.fit(TensorBatches(patches_of(train, 1, 3, 3), 10), batched(train))
    flat = torch.full((1, 1, 3, 12, 12), 0.5)
    assert np.isnan(one.r2(TensorBatches(patches_of(flat, 1, 3, 3)), [flat])).all()


def test_fewer_tokens_than_channels_are_fitted_too() -> None:
    train = pictures(4, 0)
    tokens = torch.randn(4, 1, 3, 3, 100, generator=torch.Generator().manual_seed(0))
    one = LinearPixels()
    one.fit(TensorBatches(tokens, 2), batched(train, 2))
    assert np.isfinite(one.r2(TensorBatches(tokens, 2), batched(train, 2))).all()


def test_misuse_is_refused() -> None:
    train = pictures(10, 0)
    tokens = TensorBatches(patches_of(train, 1, 3, 3), 10)
    with pytest.raises(FitError, match="r2 before fit"):
        LinearPixels().r2(tokens, batched(train))
    with pytest.raises(GridError, match="10 grids for 9 clips"):
        LinearPixels().fit(tokens, batched(train[:9]))


def test_pictures_said_by_tokens_that_hold_them_are_the_pictures() -> None:
    clips = pictures(60, 3)
    features = TensorBatches(patches_of(clips, 1, 3, 4), batch=10)
    one = LinearPixels()
    one.fit(features, batched(clips))
    torch.testing.assert_close(one.pictures(features, (12, 12)), clips, atol=0.02, rtol=0)
    with pytest.raises(FitError, match="pictures before fit"):
        LinearPixels().pictures(features, (12, 12))
