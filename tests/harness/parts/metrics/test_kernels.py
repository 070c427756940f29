from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import GridError, UsageError
from foresight_harness.parts.metrics.kernels import GaussianCKA, mutual_knn, mutual_knn_null, rbf_cka
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


def test_rbf_interval_leaves_out_whole_pictures(generator: torch.Generator) -> None:
    """Jackknife pseudo-values of five equal folds by hand; what is left out is two pictures of two rows each."""
    x = torch.randn(20, 4, generator=generator)
    y = x + 0.5 * torch.randn(20, 4, generator=generator)
    found = GaussianCKA(x, y, rows_per_picture=2).estimate(folds=5)
    assert found.ci_low < found.value < found.ci_high
    folds = np.arange(20) // 2 % 5
    bandwidths = [
        np.median(pairwise_distances(rows.numpy().astype(np.float64))[~np.eye(20, dtype=bool)]) for rows in (x, y)
    ]

    def value(kept: np.ndarray) -> float:
        centred = []
        for rows, width in zip((x, y), bandwidths, strict=True):
            kernel = np.exp(-(pairwise_distances(rows.numpy()[kept].astype(np.float64)) ** 2) / (2 * width**2))
            np.fill_diagonal(kernel, 0)
            n = len(kernel)
            kernel = kernel - (kernel.sum(1)[:, None] + kernel.sum(1)) / (n - 2) + kernel.sum() / ((n - 1) * (n - 2))
            np.fill_diagonal(kernel, 0)
            centred.append(kernel.ravel())
        return float(centred[0] @ centred[1] / np.linalg.norm(centred[0]) / np.linalg.norm(centred[1]))

    whole = value(np.arange(20))
    pseudo = np.array([5 * whole - 4 * value(np.flatnonzero(folds != fold)) for fold in range(5)])
    reach = 2.7764451 * pseudo.std(ddof=1) / math.sqrt(5)
    assert found.ci_high - found.value == pytest.approx(min(reach, 1 - whole), rel=0.01)


def test_null_of_unrelated_sides_holds_the_value_and_of_equal_ones_does_not(generator: torch.Generator) -> None:
    x, y = torch.randn(60, 5, generator=generator), torch.randn(60, 5, generator=generator)
    same, other = GaussianCKA(x, x, rows_per_picture=2), GaussianCKA(x, y, rows_per_picture=2)
    assert same.value() > float(same.null(30, generator).max())
    assert other.value() <= float(other.null(99, generator).quantile(0.99))
    assert mutual_knn(x, x, 5).mean() > mutual_knn_null(x, x, 5, 30, generator, rows_per_picture=2).max()


def test_neighbour_null_moves_pictures_and_no_cells(generator: torch.Generator) -> None:
    """Two rows of a picture that are each other's nearest stay so wherever the picture goes: the null is 1, not k/n."""
    x = torch.eye(8).repeat_interleave(2, 0)
    assert mutual_knn_null(x, x, 1, 6, generator, rows_per_picture=2).tolist() == [1.0] * 6
    assert float(mutual_knn_null(x, x, 1, 20, generator).mean()) < 0.5
    with pytest.raises(GridError, match="not whole pictures of 3 rows"):
        mutual_knn_null(x, x, 1, 1, generator, rows_per_picture=3)
