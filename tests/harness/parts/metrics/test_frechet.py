"""The Frechet distance, beside a matrix root and one case by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.frechet import frechet_distance
from scipy.linalg import sqrtm


def features(count: int, width: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator, dtype=torch.float64)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) @ mixing + seed


@pytest.mark.parametrize(("first", "second"), [(200, 150), (40, 60)])
def test_it_is_the_textbook_formula_with_a_matrix_root(first: int, second: int) -> None:
    one, two = features(first, 12, 0).numpy(), features(second, 12, 1).numpy()
    root = sqrtm(np.cov(one.T) @ np.cov(two.T)).real
    wanted = ((one.mean(0) - two.mean(0)) ** 2).sum() + np.trace(np.cov(one.T) + np.cov(two.T) - 2 * root)
    assert math.isclose(frechet_distance(torch.tensor(one), torch.tensor(two)), wanted, rel_tol=1e-9)


def test_fewer_samples_than_features_are_those_of_the_space_they_span() -> None:
    one, two = features(5, 3, 0), features(6, 3, 1)
    wide = torch.linalg.qr(torch.randn(40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))[0].T
    assert math.isclose(frechet_distance(one @ wide, two @ wide), frechet_distance(one, two), rel_tol=1e-9)


def test_one_case_by_hand() -> None:
    # Means 1 and 4, variances 2 and 8: (1 - 4)^2 + (sqrt 2 - sqrt 8)^2 = 9 + 2.
    one, two = torch.tensor([[0.0], [2.0]]), torch.tensor([[2.0], [6.0]])
    assert math.isclose(frechet_distance(one, two), 11.0, rel_tol=1e-12)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        (torch.zeros(1, 3), torch.zeros(4, 3), "needs 2 samples a set, got 1 and 4"),
        (torch.zeros(4, 3), torch.zeros(4, 2), "of one width"),
        (torch.full((4, 3), torch.nan), torch.zeros(4, 3), "not finite"),
    ],
)
def test_what_has_no_distance_is_refused(one: torch.Tensor, two: torch.Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        frechet_distance(one, two)
