from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from foresight_harness.errors import GridError, UsageError
from foresight_harness.metrics.kernels import mutual_knn, rbf_cka
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from torch import Tensor


def textbook(x: Tensor, y: Tensor) -> float:
    """Debiased CKA of Gaussian kernels, term by term as in Song et al. 2012, equation 5."""

    def kernel(rows: Tensor) -> np.ndarray:
        distances = pairwise_distances(rows.numpy().astype(np.float64))
        values = np.exp(-(distances**2) / (2 * np.median(distances[np.triu_indices(len(rows), 1)]) ** 2))
        return np.asarray(values - np.eye(len(rows)))

    def hsic(k: np.ndarray, m: np.ndarray) -> float:
        n = len(k)
        middle = k.sum() * m.sum() / ((n - 1) * (n - 2))
        return float(((k * m).sum() + middle - 2 / (n - 2) * (k @ m).sum()) / (n * (n - 3)))

    k, m = kernel(x), kernel(y)
    return hsic(k, m) / math.sqrt(hsic(k, k) * hsic(m, m))


def test_rbf_equals_the_textbook(generator: torch.Generator) -> None:
    # 46 rows have an odd number of pairs, so that the median is one of them.
    x = torch.randn(46, 6, generator=generator)
    y = x[:, :3] ** 2 + 0.3 * torch.randn(46, 3, generator=generator) + 9
    found = rbf_cka(x, y, generator)
    assert found.n == 46
    assert found.value == pytest.approx(textbook(x, y), abs=1e-9)


def test_rbf_of_equal_features_is_one_and_of_independent_ones_about_zero(generator: torch.Generator) -> None:
    x, y = torch.randn(50, 800, generator=generator), torch.randn(50, 800, generator=generator)
    assert rbf_cka(x, 2 * x + 1, generator).value == pytest.approx(1.0)
    assert abs(rbf_cka(x, y, generator).value) < 0.1


def test_rbf_says_how_many_rows_it_drew(generator: torch.Generator) -> None:
    x = torch.randn(100, 4, generator=generator)
    found = rbf_cka(x, x, generator, most=30)
    assert found.n == 30
    assert found.value == pytest.approx(1.0)


def test_rbf_without_spread_is_nan_not_zero(generator: torch.Generator) -> None:
    assert math.isnan(rbf_cka(torch.ones(20, 3), torch.randn(20, 3, generator=generator), generator).value)


def test_mutual_neighbours_equal_scikit_learn(generator: torch.Generator) -> None:
    x = torch.randn(60, 8, generator=generator)
    y = x @ torch.randn(8, 5, generator=generator)
    near = []
    for rows in (x, y):
        search = NearestNeighbors(n_neighbors=7, metric="cosine").fit(rows.numpy())
        near.append(search.kneighbors(return_distance=False))
    expected = [len(set(a) & set(b)) / 7 for a, b in zip(*near, strict=True)]
    for block in (1024, 13):
        assert mutual_knn(x, y, 7, block=block).tolist() == pytest.approx(expected)


def test_mutual_neighbours_by_hand() -> None:
    # On a circle: x pairs (0 1) and (2 3), y pairs (0 2) and (1 3); at k = 1 nothing is shared.
    def circle(degrees: list[float]) -> Tensor:
        angle = torch.tensor(degrees).deg2rad()
        return torch.stack([angle.cos(), angle.sin()], dim=1)

    x, y = circle([0, 10, 90, 100]), circle([0, 90, 10, 100])
    assert mutual_knn(x, y, 1).tolist() == [0.0] * 4
    assert mutual_knn(x, 5 * x, 1).tolist() == [1.0] * 4
    assert mutual_knn(x, y, 3).tolist() == [1.0] * 4


def test_unusable_requests_are_refused_in_one_line(generator: torch.Generator) -> None:
    x = torch.randn(5, 2, generator=generator)
    for k in (0, 5):
        with pytest.raises(UsageError, match=rf"mutual_knn\(k={k}\) of 5 samples"):
            mutual_knn(x, x, k)
    with pytest.raises(GridError, match="not finite"):
        mutual_knn(x, x * math.nan, 2)
    with pytest.raises(GridError, match="not finite"):
        rbf_cka(x, x * math.nan, generator)
    with pytest.raises(UsageError, match=r"rbf_cka\(most=3\)"):
        rbf_cka(x, x, generator, most=3)
