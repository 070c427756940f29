from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.feature_distance import channel_spread, feature_distance


@pytest.fixture
def grids() -> torch.Tensor:
    return (
        torch.randn(5, 3, 2, 2, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0, 0.1, 2.0]) + 3
    )


def test_spread_is_numpys_whatever_the_batches(grids) -> None:
    expected = grids.double().numpy().reshape(-1, 4).std(axis=0)
    assert np.allclose(channel_spread(TensorBatches(grids, batch=2)).numpy(), expected, rtol=1e-5)


def test_distance_is_that_of_standardised_features(grids) -> None:
    spread = channel_spread(TensorBatches(grids))
    other = grids.flip(0)
    apart = ((grids - other).double() / spread).numpy().reshape(5, -1)
    assert np.allclose(feature_distance(grids, other, spread).numpy(), np.sqrt((apart**2).mean(axis=1)))
    assert feature_distance(grids, grids, spread).tolist() == [0.0] * 5
    scaled = torch.tensor([7.0, 1.0, 0.01, 3.0])
    rescaled = feature_distance(grids * scaled, other * scaled, channel_spread(TensorBatches(grids * scaled)))
    assert torch.allclose(rescaled, feature_distance(grids, other, spread), rtol=1e-4)


def test_a_constant_channel_tells_nothing(grids) -> None:
    with_constant = torch.cat([grids, torch.full((5, 3, 2, 2, 1), 0.3)], dim=-1)
    spread = channel_spread(TensorBatches(with_constant))
    assert spread[-1] == 0
    moved = with_constant.clone()
    moved[..., -1] += 5
    assert feature_distance(with_constant, moved, spread).tolist() == [0.0] * 5
    ones = torch.ones(2, 1, 2, 2, 3)
    assert feature_distance(ones, ones, channel_spread(TensorBatches(ones))).tolist() == [0.0, 0.0]


def test_grids_of_other_shapes_are_refused(grids) -> None:
    with pytest.raises(DataError, match="equal ones are wanted"):
        feature_distance(grids, grids[:, :2], channel_spread(TensorBatches(grids)))
