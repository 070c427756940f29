"""Losses against torchvision and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.training import losses
from torch import Tensor
from torchvision.ops import generalized_box_iou, sigmoid_focal_loss

torch.set_num_threads(1)

PAIRWISE = (losses.coverage_bce, losses.coverage_focal, losses.latent_mse, losses.pixel_l1, losses.pixel_mse)
ON_BOXES = (losses.box_l1, losses.box_giou)


def maps(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(2, 1, 4, 5, generator=generator), torch.rand(2, 1, 4, 5, generator=generator)


def boxes(count: int = 50, seed: int = 0) -> Tensor:
    corners = torch.rand(2, count, 2, generator=torch.Generator().manual_seed(seed))
    return torch.cat([corners.amin(0), corners.amax(0)], dim=1)


def test_bce_by_hand() -> None:
    logits, coverage = (
        torch.tensor([0.0, math.log(3)]).reshape(1, 1, 1, 2),
        torch.tensor([1.0, 0.5]).reshape(1, 1, 1, 2),
    )
    second = -(0.5 * math.log(0.75) + 0.5 * math.log(0.25))
    assert losses.coverage_bce(logits, coverage).item() == pytest.approx((math.log(2) + second) / 2)


def test_focal_by_hand() -> None:
    logits, coverage = torch.full((1, 1, 1, 1), math.log(3)), torch.ones(1, 1, 1, 1)
    assert losses.coverage_focal(logits, coverage).item() == pytest.approx(0.25 * 0.25**2 * -math.log(0.75))


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.75, 1.0), (0.5, 0.0)])
@pytest.mark.parametrize("hard", [True, False])
def test_focal_equals_torchvision(alpha: float, gamma: float, hard: bool) -> None:
    logits, coverage = maps()
    coverage = coverage.round() if hard else coverage
    reference = sigmoid_focal_loss(logits, coverage, alpha=alpha, gamma=gamma, reduction="mean")
    assert torch.allclose(losses.coverage_focal(logits, coverage, alpha=alpha, gamma=gamma), reference)


def test_focal_without_focus_is_half_the_cross_entropy() -> None:
    logits, coverage = maps()
    unfocused = losses.coverage_focal(logits, coverage, alpha=0.5, gamma=0.0)
    assert torch.allclose(unfocused, losses.coverage_bce(logits, coverage) / 2)


def test_giou_equals_torchvision() -> None:
    predicted, target = boxes(seed=1), boxes(seed=2)
    reference = (1 - generalized_box_iou(predicted, target).diagonal()).mean()
    assert torch.allclose(losses.box_giou(predicted, target), reference, atol=1e-5)


def test_giou_of_two_apart_boxes_by_hand() -> None:
    predicted, target = torch.tensor([[0.0, 0.0, 0.2, 0.2]]), torch.tensor([[0.4, 0.0, 0.6, 0.2]])
    assert losses.box_giou(predicted, target).item() == pytest.approx(1 + (0.12 - 0.08) / 0.12, abs=1e-6)


def test_giou_of_a_box_with_itself_is_nothing() -> None:
    assert losses.box_giou(boxes(), boxes()).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("box", [[0.3, 0.3, 0.3, 0.3], [0.5, 0.5, 0.2, 0.2]])
def test_giou_of_boxes_without_area_is_finite_and_has_finite_gradients(box: list[float]) -> None:
    predicted = torch.tensor([box], requires_grad=True)
    value = losses.box_giou(predicted, torch.tensor([box]))
    torch.autograd.backward(value)
    assert torch.isfinite(value)
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()


def test_giou_pulls_an_apart_box_towards_its_target() -> None:
    predicted = torch.tensor([[0.0, 0.0, 0.2, 0.2]], requires_grad=True)
    torch.autograd.backward(losses.box_giou(predicted, torch.tensor([[0.4, 0.0, 0.6, 0.2]])))
    assert predicted.grad is not None
    assert predicted.grad[0, 2] < 0


def test_box_l1_by_hand() -> None:
    predicted, target = torch.tensor([[0.0, 0.0, 0.5, 0.5]]), torch.tensor([[0.1, 0.0, 0.5, 0.8]])
    assert losses.box_l1(predicted, target).item() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("loss", "expected"), [(losses.latent_mse, 2.5), (losses.pixel_mse, 2.5), (losses.pixel_l1, 1.5)]
)
def test_errors_by_hand(loss: Callable[[Tensor, Tensor], Tensor], expected: float) -> None:
    predicted, target = torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 1, 2), torch.zeros(1, 1, 1, 1, 2)
    assert loss(predicted, target).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [*PAIRWISE, *ON_BOXES])
def test_unequal_shapes_are_refused_rather_than_broadcast(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(FitError, match=rf"^{loss.__name__} compares equal shapes, got \(2, 4\) against \(1, 4\)$"):
        loss(torch.zeros(2, 4), torch.zeros(1, 4))


@pytest.mark.parametrize("loss", ON_BOXES)
def test_no_box_is_an_error_and_not_a_mean_of_nothing(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(FitError, match="no box"):
        loss(torch.zeros(0, 4), torch.zeros(0, 4))


@pytest.mark.parametrize("loss", ON_BOXES)
def test_what_is_no_box_is_refused(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(FitError, match=r"boxes \[N, 4\], got \(2, 1, 4\)"):
        loss(torch.zeros(2, 1, 4), torch.zeros(2, 1, 4))
