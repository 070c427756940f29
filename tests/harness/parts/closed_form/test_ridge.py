"""Ridge against least squares, scikit-learn and leave-one-out by refitting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.closed_form import LAMBDAS, RidgeFit, RidgeSums, ridge_dual
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from torch import Tensor

torch.set_num_threads(1)


def problem(rows: int, width: int, targets: int = 2, seed: int = 0, noise: float = 0.5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    weight = torch.randn(width, targets, generator=generator, dtype=torch.float64)
    return x, x @ weight + 3 + noise * torch.randn(rows, targets, generator=generator, dtype=torch.float64)


def streamed(x: Tensor, y: Tensor, lambdas: tuple[float, ...] = LAMBDAS, block: int = 97) -> RidgeFit:
    sums = RidgeSums(x.shape[1], y.shape[1])
    for start in range(0, len(x), block):
        sums.update(x[start : start + block], y[start : start + block])
    return sums.solve(lambdas)


def largest_eigenvalue(x: Tensor) -> float:
    standard = StandardScaler().fit_transform(x.numpy())
    return float(np.linalg.eigvalsh(standard.T @ standard / len(x))[-1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_streamed_ridge_without_strength_is_least_squares(dtype: torch.dtype) -> None:
    x, y = problem(3000, 20)
    design = np.concatenate([x.numpy(), np.ones((len(x), 1))], 1)
    expected = np.linalg.lstsq(design, y.numpy(), rcond=None)[0]
    fit = streamed(x.to(dtype), y.to(dtype), (0.0,))
    np.testing.assert_allclose(fit.weight.numpy(), expected[:-1], atol=2e-6)
    np.testing.assert_allclose(fit.bias.numpy(), expected[-1], atol=2e-6)


def test_float32_rows_keep_their_digits_where_means_are_large_against_spreads() -> None:
    x, y = problem(4000, 12)
    x = x * torch.logspace(-2, 2, 12, dtype=torch.float64) + 1000
    x32 = x.float()
    expected = streamed(x32.double(), y, (1e-6,))
    found = streamed(x32, y.float(), (1e-6,))
    scale = x.std(0)[:, None]
    assert ((found.weight - expected.weight) * scale).abs().max() < 1e-4


@pytest.mark.parametrize("strength", [1e-3, 0.1, 10.0])
def test_ridge_is_scikit_learns_on_standardised_features(strength: float) -> None:
    x, y = problem(400, 30)
    x = x * torch.logspace(-1, 1, 30, dtype=torch.float64) + 5
    scaler = StandardScaler().fit(x.numpy())
    reference = Ridge(alpha=strength * largest_eigenvalue(x) * len(x)).fit(scaler.transform(x.numpy()), y.numpy())
    expected = reference.predict(scaler.transform(x.numpy()))
    for fit in (streamed(x, y, (strength,)), ridge_dual(x, y, (strength,))):
        np.testing.assert_allclose(fit.predict(x).numpy(), expected, atol=2e-4)


def test_r2_is_the_variance_weighted_share_on_the_fitted_rows() -> None:
    x, y = problem(500, 10)
    y[:, 1] *= 7
    fit = streamed(x, y)
    residual = (y - fit.predict(x)).square().sum()
    assert fit.r2 == pytest.approx(1 - float(residual / (y - y.mean(0)).square().sum()), abs=1e-5)


def test_leave_one_out_strength_is_the_one_that_refitting_finds() -> None:
    x, y = problem(24, 40, noise=3.0)
    lambdas = (1e-4, 1e-2, 0.1, 1.0, 10.0)
    scale = x.std(0, correction=0)
    standard = ((x - x.mean(0)) / scale).numpy()
    top = largest_eigenvalue(x)
    errors = []
    for strength in lambdas:
        left_out = 0.0
        for row in range(len(x)):
            others = np.arange(len(x)) != row
            model = Ridge(alpha=strength * top * len(x)).fit(standard[others], y.numpy()[others])
            left_out += float(np.square(y.numpy()[row] - model.predict(standard[row : row + 1])).sum())
        errors.append(left_out)
    assert ridge_dual(x, y, lambdas).lambda_ == lambdas[int(np.argmin(errors))]


def test_dual_and_streamed_ridge_agree_at_one_strength() -> None:
    x, y = problem(60, 200)
    one, other = streamed(x, y, (0.01,)), ridge_dual(x, y, (0.01,))
    torch.testing.assert_close(one.weight, other.weight, atol=1e-6, rtol=1e-5)
    assert one.r2 == pytest.approx(other.r2, abs=1e-9)


@pytest.mark.parametrize("fit", [streamed, ridge_dual])
def test_noise_targets_choose_a_strong_ridge_and_signals_a_weak_one(fit: object) -> None:
    assert callable(fit)
    x, y = problem(200, 50)
    noise = torch.randn(200, 1, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    assert fit(x, noise).lambda_ > 0.5
    assert fit(x, y).lambda_ < 0.05


@pytest.mark.parametrize("fit", [streamed, ridge_dual])
@pytest.mark.parametrize("value", [0.0, 0.1, 1234.5])
def test_constant_features_predict_the_mean(fit: object, value: float) -> None:
    assert callable(fit)
    y = problem(50, 3)[1]
    result = fit(torch.full((50, 4), value), y)
    assert torch.equal(result.weight, torch.zeros(4, 2))
    torch.testing.assert_close(result.predict(torch.full((1, 4), value)), y.mean(0, keepdim=True).float())
    assert result.r2 == pytest.approx(0.0, abs=1e-6)


def test_a_constant_column_has_no_weight_and_changes_nothing() -> None:
    x, y = problem(300, 5)
    wide = torch.cat([x, torch.full((300, 1), 0.1, dtype=torch.float64)], 1).float()
    with_constant, without = streamed(wide, y, (0.01,)), streamed(x.float(), y, (0.01,))
    assert torch.equal(with_constant.weight[-1], torch.zeros(2))
    torch.testing.assert_close(with_constant.weight[:-1], without.weight)


def test_scale_of_a_channel_does_not_change_predictions() -> None:
    x, y = problem(300, 6)
    stretched = x * torch.tensor([1e-3, 1, 10, 1e4, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(streamed(stretched, y).predict(stretched), streamed(x, y).predict(x), atol=1e-3, rtol=0)


def test_constant_target_has_no_r2() -> None:
    x, _ = problem(30, 3)
    fit = streamed(x, torch.full((30, 1), 2.0))
    assert np.isnan(fit.r2)
    torch.testing.assert_close(fit.predict(x), torch.full((30, 1), 2.0))


def test_params_count_weights_and_biases() -> None:
    x, y = problem(30, 3)
    assert streamed(x, y).params == 3 * 2 + 2


def test_values_that_are_not_finite_are_refused() -> None:
    x, y = problem(30, 3)
    x[4, 1] = float("nan")
    with pytest.raises(FitError, match="not finite"):
        streamed(x, y)
    with pytest.raises(FitError, match="not finite"):
        ridge_dual(x, y)


def test_one_row_is_refused() -> None:
    x, y = problem(1, 3)
    with pytest.raises(FitError, match="at least 2 rows"):
        streamed(x, y)
    with pytest.raises(FitError, match="at least 2 rows"):
        ridge_dual(x, y)
    with pytest.raises(FitError, match="at least 2 rows"):
        RidgeSums(3, 1).solve()


def test_rows_of_another_width_are_refused() -> None:
    sums = RidgeSums(3, 1)
    with pytest.raises(FitError, match="width 3 -> 1"):
        sums.update(torch.zeros(4, 2), torch.zeros(4, 1))
    with pytest.raises(FitError, match="4 feature rows for 5"):
        sums.update(torch.zeros(4, 3), torch.zeros(5, 1))


def test_negative_strengths_are_refused() -> None:
    x, y = problem(10, 2)
    with pytest.raises(FitError, match="none negative"):
        streamed(x, y, (-1.0,))
    with pytest.raises(FitError, match="at least one"):
        ridge_dual(x, y, ())
