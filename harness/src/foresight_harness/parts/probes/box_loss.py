"""Boxes in torch: from raw outputs, and the two losses that detectors are trained with."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import generalized_box_iou_loss

L1_WEIGHT = 5.0
GIOU_WEIGHT = 2.0


def corners(boxes: Tensor) -> Tensor:
    """Centre and size to corners. cxcywh [..., 4] -> xyxy [..., 4]"""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def centred(boxes: Tensor) -> Tensor:
    """Corners to centre and size. xyxy [..., 4] -> cxcywh [..., 4]"""
    return torch.cat([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]], dim=-1)


def box_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Weighted L1 of centre and size plus generalised IoU, of each pair.

    Args:
        predicted: cxcywh. [n, 4]
        true: cxcywh. [n, 4]

    Returns:
        [n]

    Source: DETR, arXiv 2005.12872, section 3.1, with its weights.
    """
    overlap_loss: Tensor = generalized_box_iou_loss(corners(predicted), corners(true))
    return L1_WEIGHT * (predicted - true).abs().sum(-1) + GIOU_WEIGHT * overlap_loss
