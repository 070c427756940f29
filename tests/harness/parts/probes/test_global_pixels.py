"""How much of a picture its whole grid holds."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.parts.probes import flattened_ridge
from foresight_harness.parts.probes.global_pixels import GlobalPixels
from foresight_harness.parts.probes.linear_pixels import LinearPixels, explained, patches_of
from torch import Tensor

torch.set_num_threads(1)
LOOKS = torch.randn(20, 1, 3, 12, 12, generator=torch.Generator().manual_seed(9))


def pictures(count: int, seed: int) -> Tensor:
    """Mixtures of twenty patterns: of few numbers each, so that fewer pictures than pixels tell them."""
    shares = torch.rand(count, 20, generator=torch.Generator().manual_seed(seed))
    return torch.einsum("ns,stchw->ntchw", shares, LOOKS)


def batched(values: Tensor, size: int = 10) -> TensorBatches:
    return TensorBatches(values, size)


def grids(clips: Tensor) -> TensorBatches:
    return batched(patches_of(clips, 1, 3, 3))


def in_other_places(clips: Tensor) -> TensorBatches:
    """What every token holds is of the place opposite, and partly of another one."""
    cells = patches_of(clips, 1, 3, 3)
    return batched(cells.flip(2, 3) + 0.5 * cells.roll(1, 3))


def test_tokens_in_wrong_places_say_everything_together_and_little_one_by_one() -> None:
    train, test = pictures(60, 0), pictures(20, 1)
    together, each = GlobalPixels(), LinearPixels()
    together.fit(in_other_places(train), batched(train))
    each.fit(in_other_places(train), batched(train))
    found = together.r2(in_other_places(test), batched(test))
    assert found.shape == (20,)
    assert found.min() > 0.999
    assert each.r2(in_other_places(test), batched(test)).max() < 0.9


def test_it_is_ridge_from_the_flattened_grid_to_all_pixels() -> None:
    """By the primal solution at the same strength, written out with NumPy's conventions of this ridge."""
    noise = torch.Generator().manual_seed(5)
    train, test = pictures(30, 0), pictures(10, 1)
    x, other = (patches_of(clips, 1, 3, 3)[..., :4] for clips in (train, test))
    x = x + 0.3 * torch.randn(x.shape, generator=noise)
    one = GlobalPixels()
    one.fit(batched(x), batched(train))
    assert one._fit is not None
    rows, targets = x.flatten(1).double(), patches_of(train, 1, 3, 3).flatten(1).double()
    mean, spread = rows.mean(0), rows.std(0, correction=0)
    standard = (rows - mean) / spread
    covariance = standard.T @ standard / len(rows)
    strength = one._fit.lambda_ * float(torch.linalg.eigvalsh(covariance)[-1])
    eye = strength * torch.eye(len(covariance), dtype=torch.double)
    weight = torch.linalg.solve(covariance + eye, standard.T @ (targets - targets.mean(0)) / len(rows))
    said = ((other.flatten(1).double() - mean) / spread) @ weight + targets.mean(0)
    true = patches_of(test, 1, 3, 3).flatten(1).double()
    colours = true.reshape(10, 9, 3, -1).mean((1, 3), keepdim=True).expand(10, 9, 3, 16).reshape(10, -1)
    expected = 1 - (said - true).square().sum(1) / (true - colours).square().sum(1)
    torch.testing.assert_close(torch.from_numpy(one.r2(batched(other), batched(test))), expected, atol=1e-6, rtol=1e-6)


def test_constant_grids_say_the_mean_picture_and_a_picture_of_one_colour_has_no_share() -> None:
    train, test = pictures(40, 0), pictures(5, 1)
    one = GlobalPixels()
    one.fit(batched(torch.ones(40, 1, 3, 3, 4)), batched(train))
    patches, mean = patches_of(test, 1, 3, 3), patches_of(train, 1, 3, 3).mean(0, keepdim=True)
    expected = explained(mean.expand_as(patches), patches)
    found = torch.from_numpy(one.r2(batched(torch.ones(5, 1, 3, 3, 4)), batched(test)))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    one.fit(grids(train), batched(train))
    test[2] = 0.25
    shares = one.r2(grids(test), batched(test))
    assert [bool(value != value) for value in shares] == [False, False, True, False, False]


def test_splits_beyond_what_is_held_are_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    train = pictures(40, 0)
    monkeypatch.setattr(flattened_ridge, "HELD_BYTES", 8 * 40 * 4 * 48)
    one = GlobalPixels()
    one.fit(grids(train), batched(train))
    assert one._fit is not None
    assert one._fit.rows.shape == (40, 4 * 48)
    assert one.r2(grids(train), batched(train)).min() > 0.99


def test_misuse_is_refused() -> None:
    train = pictures(10, 0)
    one = GlobalPixels()
    with pytest.raises(FitError, match="global_pixels: r2 before fit"):
        one.r2(grids(train), batched(train))
    with pytest.raises(GridError, match="probe global_pixels: 10 samples beside 8"):
        one.fit(grids(train), batched(train[:8]))
    with pytest.raises(FitError, match="at least 2 rows"):
        one.fit(grids(train[:1]), batched(train[:1]))
    one.fit(grids(train), batched(train))
    with pytest.raises(FitError, match="fitted on grids of"):
        one.r2(batched(patches_of(train, 1, 4, 4)), batched(train))
