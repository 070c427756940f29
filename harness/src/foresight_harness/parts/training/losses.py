"""What fits minimise: pure functions, means over everything but what they say, never broadcasting."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.errors import FitError


def coverage_bce(logits: Tensor, coverage: Tensor) -> Tensor:
    """Binary cross-entropy of a foreground map against the share of each cell that objects cover.

    Args:
        logits: One a cell. [B, T, H, W]
        coverage: In [0, 1]; soft targets are meant. [B, T, H, W]

    Returns:
        Mean over cells, in nats. At its least it is the entropy of the coverage, not 0. []

    Raises:
        FitError: if the shapes differ.
    """
    _require_equal("coverage_bce", logits, coverage)
    return F.binary_cross_entropy_with_logits(logits, coverage)


def coverage_focal(logits: Tensor, coverage: Tensor, *, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Focal loss of a foreground map: cells that are already right count little, so few objects are not drowned.

    Args:
        logits: One a cell. [B, T, H, W]
        coverage: In [0, 1]. [B, T, H, W]
        alpha: Weight of foreground; background has ``1 - alpha``.
        gamma: How fast the weight of right cells falls; 0 is weighted cross-entropy.

    Returns:
        Mean over cells. []

    Raises:
        FitError: if the shapes differ.

    *Source*: arXiv 1708.02002, with weights linear in soft targets.
    """
    _require_equal("coverage_focal", logits, coverage)
    entropy = F.binary_cross_entropy_with_logits(logits, coverage, reduction="none")
    foreground = logits.sigmoid()
    wrong = foreground + coverage - 2 * foreground * coverage
    weight = (1 - alpha) + (2 * alpha - 1) * coverage
    return (weight * wrong.pow(gamma) * entropy).mean()


def box_l1(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of matched boxes' corners.

    Args:
        predicted: xyxy in [0, 1]. [N, 4]
        target: The box that each is matched with. [N, 4]

    Returns:
        Mean over boxes and corners, in picture widths or heights. []

    Raises:
        FitError: if the shapes differ or there is no box.
    """
    _require_boxes("box_l1", predicted, target)
    return (predicted - target).abs().mean()


def box_giou(predicted: Tensor, target: Tensor) -> Tensor:
    """One minus the generalised IoU of matched boxes: still has a slope where they do not overlap.

    Args:
        predicted: xyxy; corners in the wrong order count as a box without area. [N, 4]
        target: The box that each is matched with. [N, 4]

    Returns:
        Mean over boxes, in [0, 2]. []

    Raises:
        FitError: if the shapes differ or there is no box.

    *Source*: arXiv 1902.09630.
    """
    _require_boxes("box_giou", predicted, target)
    both = _area(torch.max(predicted[:, :2], target[:, :2]), torch.min(predicted[:, 2:], target[:, 2:]))
    either = _area(predicted[:, :2], predicted[:, 2:]) + _area(target[:, :2], target[:, 2:]) - both
    hull = _area(torch.min(predicted[:, :2], target[:, :2]), torch.max(predicted[:, 2:], target[:, 2:]))
    least = torch.finfo(hull.dtype).eps
    iou = both / either.clamp_min(least)
    return (1 - iou + (hull - either) / hull.clamp_min(least)).mean()


def latent_mse(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of latents. [B, T', H', W', C] twice -> []

    Raises:
        FitError: if the shapes differ.
    """
    _require_equal("latent_mse", predicted, target)
    return F.mse_loss(predicted, target)


def pixel_l1(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of pixels in [0, 1]. [B, T, 3, H_px, W_px] twice -> []

    Raises:
        FitError: if the shapes differ.
    """
    _require_equal("pixel_l1", predicted, target)
    return F.l1_loss(predicted, target)


def pixel_mse(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of pixels in [0, 1]. [B, T, 3, H_px, W_px] twice -> []

    Raises:
        FitError: if the shapes differ.
    """
    _require_equal("pixel_mse", predicted, target)
    return F.mse_loss(predicted, target)


def _area(top_left: Tensor, bottom_right: Tensor) -> Tensor:
    """[N, 2] and [N, 2] -> [N], 0 where the corners are in the wrong order."""
    return (bottom_right - top_left).clamp_min(0).prod(dim=-1)


def _require_equal(name: str, predicted: Tensor, target: Tensor) -> None:
    if predicted.shape != target.shape:
        raise FitError(f"{name} compares equal shapes, got {tuple(predicted.shape)} against {tuple(target.shape)}")


def _require_boxes(name: str, predicted: Tensor, target: Tensor) -> None:
    _require_equal(name, predicted, target)
    if predicted.ndim != 2 or predicted.shape[-1] != 4:
        raise FitError(f"{name} takes boxes [N, 4], got {tuple(predicted.shape)}")
    if not len(predicted):
        raise FitError(f"{name} has no box to compare; leave out samples without objects")
