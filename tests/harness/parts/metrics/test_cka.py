from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import GridError, UsageError
from foresight_harness.parts.metrics.cka import LinearCKA, linear_cka, null_p_value, permutation_null
from foresight_harness.parts.metrics.products import PANEL
from scipy.stats import t as student
from torch import Tensor


def textbook(x: Tensor, y: Tensor) -> float:
    """Debiased CKA from n x n kernels in float64, term by term as in Song et al. 2012, equation 5."""

    def hsic(k: np.ndarray, m: np.ndarray) -> float:
        n = len(k)
        one = np.ones(n)
        middle = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return float((np.trace(k @ m) + middle - 2 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3)))

    kernels = []
    for rows in (x, y):
        features = rows.numpy().astype(np.float64)
        kernel = features @ features.T
        kernels.append(kernel - np.diag(np.diag(kernel)))
    k, m = kernels
    return hsic(k, m) / math.sqrt(hsic(k, k) * hsic(m, m))


def related(n: int, dx: int, dy: int, generator: torch.Generator, *, offset: float = 0.0) -> tuple[Tensor, Tensor]:
    """Features that share five directions."""
    shared = torch.randn(n, 5, generator=generator)
    x = shared @ torch.randn(5, dx, generator=generator) + torch.randn(n, dx, generator=generator) + offset
    y = shared @ torch.randn(5, dy, generator=generator) + 2 * torch.randn(n, dy, generator=generator)
    return x, y


@pytest.mark.parametrize(
    ("n", "dx", "dy", "offset"),
    [(50, 800, 8, 0.0), (50, 800, 800, 5.0), (300, 2 * PANEL + 9, 20, 1.0), (300, 12, PANEL + 1, 100.0), (4, 6, 3, 0)],
)
def test_streamed_value_equals_the_textbook(
    n: int, dx: int, dy: int, offset: float, generator: torch.Generator
) -> None:
    x, y = related(n, dx, dy, generator, offset=offset)
    estimate = linear_cka(x, y)
    assert estimate.value == pytest.approx(textbook(x, y), abs=1e-6)
    assert estimate.n == n


def test_value_does_not_depend_on_how_rows_arrive(generator: torch.Generator) -> None:
    x, y = related(200, 30, 10, generator)
    whole = linear_cka(x, y)
    for step, block in ((1, 16), (7, 16), (64, 16)):
        sums = LinearCKA(30, 10, block=block)
        for start in range(0, 200, step):
            part = slice(start, start + step)
            sums.update(x[part], y[part], torch.arange(200)[part])
        assert sums.samples == 200
        assert sums.estimate().value == pytest.approx(whole.value, abs=1e-7)
        assert sums.estimate().ci_low == pytest.approx(whole.ci_low, abs=1e-6)


def test_value_by_hand() -> None:
    # Off the diagonal K is 1 where signs agree and -1 elsewhere; y's signs agree with x's nowhere twice.
    x = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    y = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    # tr(KM) = 4 (-1)(-1) + 4 (1)(-1) + 4 (-1)(1) = -4; 1'K1 = 1'M1 = -4; 1'KM1 = 4.
    # cross = -4 + 16 / 6 - 4 = -16 / 3; self = 12 + 16 / 6 - 4 = 32 / 3.
    assert linear_cka(x, y).value == pytest.approx(-0.5)
    assert linear_cka(x, x).value == pytest.approx(1.0)


@pytest.mark.parametrize("n", [50, 400])
def test_equal_features_score_one_whatever_their_turn_scale_and_shift(n: int, generator: torch.Generator) -> None:
    x = torch.randn(n, 40, generator=generator)
    turn = torch.linalg.qr(torch.randn(40, 40, generator=generator))[0]
    assert linear_cka(x, x).value == pytest.approx(1.0, abs=1e-7)
    assert linear_cka(x, 3 * x @ turn + 7).value == pytest.approx(1.0, abs=1e-6)


def test_independent_features_score_zero_at_few_rows_and_many_columns(generator: torch.Generator) -> None:
    draws = [
        linear_cka(torch.randn(50, 800, generator=generator), torch.randn(50, 800, generator=generator), folds=1).value
        for _ in range(8)
    ]
    assert abs(float(np.mean(draws))) < 0.03
    assert max(map(abs, draws)) < 0.1


def test_features_without_spread_are_nan_not_zero(generator: torch.Generator) -> None:
    flat, y = torch.full((30, 5), 1.1), torch.randn(30, 4, generator=generator)
    assert math.isnan(linear_cka(flat, y).value)
    assert permutation_null(flat, y, 2, generator).isnan().all()


def test_interval_equals_folds_left_out_one_by_one(generator: torch.Generator) -> None:
    x, y = related(120, 20, 6, generator)
    folds = torch.arange(120) % 10
    without = np.array([textbook(x[folds != fold], y[folds != fold]) for fold in range(10)])
    reach = student.ppf(0.975, 9) * math.sqrt(0.9 * float(((without - without.mean()) ** 2).sum()))
    found, whole = linear_cka(x, y), textbook(x, y)
    assert [found.ci_low, found.ci_high] == pytest.approx([whole - reach, whole + reach], abs=1e-6)


def test_interval_with_unequal_folds_equals_the_weighted_jackknife(generator: torch.Generator) -> None:
    x, y = related(90, 20, 6, generator)
    groups = torch.tensor([0] * 40 + [1] * 30 + [2] * 15 + [3] * 5)
    whole, sizes = textbook(x, y), np.array([40, 30, 15, 5])
    without = np.array([textbook(x[groups != fold], y[groups != fold]) for fold in range(4)])
    h = 90 / sizes
    centre = 4 * whole - float(((1 - sizes / 90) * without).sum())
    variance = float((((h * whole - (h - 1) * without - centre) ** 2) / (h - 1)).mean())
    reach = student.ppf(0.975, 3) * math.sqrt(variance)
    found = linear_cka(x, y, groups)
    assert [found.ci_low, found.ci_high] == pytest.approx([max(whole - reach, -1), min(whole + reach, 1)], abs=1e-6)


def test_interval_covers_the_value_of_many_rows(generator: torch.Generator) -> None:
    mixing = torch.randn(4, 4, generator=generator)

    def draw(n: int) -> tuple[Tensor, Tensor]:
        x = torch.randn(n, 4, generator=generator)
        return x, x @ mixing + torch.randn(n, 4, generator=generator)

    truth = linear_cka(*draw(100_000)).value
    intervals = [linear_cka(*draw(150)) for _ in range(60)]
    assert sum(found.ci_low <= truth <= found.ci_high for found in intervals) >= 51
    assert float(np.mean([found.ci_high - found.ci_low for found in intervals])) < 0.3


def test_interval_of_repeated_cells_is_wider_by_picture_than_by_row(generator: torch.Generator) -> None:
    x, y = (part.repeat_interleave(16, 0) for part in related(40, 8, 8, generator))
    by_picture = linear_cka(x, y, torch.arange(40).repeat_interleave(16))
    by_row = linear_cka(x, y)
    assert by_picture.value == pytest.approx(by_row.value)
    assert by_picture.ci_high - by_picture.ci_low > 2 * (by_row.ci_high - by_row.ci_low)


def test_interval_is_nan_where_folds_are_too_few(generator: torch.Generator) -> None:
    x, y = related(30, 4, 4, generator)
    for estimate in (linear_cka(x, y, folds=1), linear_cka(x, y, [0] * 20 + [1] * 10)):
        assert math.isfinite(estimate.value)
        assert math.isnan(estimate.ci_low)
        assert math.isnan(estimate.ci_high)


def test_null_equals_the_value_after_pictures_are_exchanged() -> None:
    x, y = related(60, 12, 30, torch.Generator().manual_seed(1), offset=4.0)
    null = permutation_null(x, y, 3, torch.Generator().manual_seed(2), rows_per_picture=5)
    generator = torch.Generator().manual_seed(2)
    for value in null.tolist():
        order = torch.randperm(12, generator=generator)
        moved = y.reshape(12, 5, 30)[order].reshape(60, 30) if y.shape[1] < x.shape[1] else y
        exchanged = x.reshape(12, 5, 12)[order].reshape(60, 12)
        assert value == pytest.approx(textbook(exchanged, moved), abs=1e-6)


def test_null_lies_about_zero_and_far_below_a_true_relation(generator: torch.Generator) -> None:
    x, y = related(100, 20, 10, generator)
    null, value = permutation_null(x, y, 99, generator), linear_cka(x, y).value
    assert abs(float(null.mean())) < 0.02
    assert null_p_value(value, null) == 0.01
    assert null_p_value(-1.0, null) == 1.0


def test_null_keeps_what_all_pictures_share_at_a_place(generator: torch.Generator) -> None:
    places = torch.randn(10, 6, generator=generator).repeat(30, 1)
    x = places + 0.1 * torch.randn(300, 6, generator=generator)
    y = places + 0.1 * torch.randn(300, 6, generator=generator)
    assert float(permutation_null(x, y, 5, generator, rows_per_picture=10).min()) > 0.9
    assert float(permutation_null(x, y, 5, generator).max()) < 0.2


def test_unusable_features_are_refused_in_one_line(generator: torch.Generator) -> None:
    x, y = related(30, 4, 4, generator)
    broken = x.clone()
    broken[3, 1] = math.nan
    for call in (lambda: linear_cka(broken, y), lambda: permutation_null(y, broken, 1, generator)):
        with pytest.raises(GridError, match=r"1 of 120 feature values are not finite"):
            call()
    with pytest.raises(GridError, match="x has 30 rows and y 29"):
        linear_cka(x, y[1:])
    with pytest.raises(GridError, match="3 rows, but this metric needs at least 4"):
        linear_cka(x[:3], y[:3])
    with pytest.raises(GridError, match=r"rows of widths 4 and 3 for a CKA built for \(4, 4\)"):
        LinearCKA(4, 4).update(x, y[:, :3])
    with pytest.raises(GridError, match=r"30 rows have groups of shape \(29,\)"):
        linear_cka(x, y, [0] * 29)
    with pytest.raises(GridError, match="30 rows are not whole pictures of 7 rows"):
        permutation_null(x, y, 1, generator, rows_per_picture=7)
    with pytest.raises(UsageError, match="folds=0"):
        LinearCKA(4, 4, folds=0)


def test_value_of_too_few_streamed_rows_is_refused() -> None:
    sums = LinearCKA(2, 2)
    sums.update(torch.eye(2), torch.eye(2))
    with pytest.raises(GridError, match="debiased CKA needs at least 4 rows, got 2"):
        sums.value()
