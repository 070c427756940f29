"""Edge fidelity: do the contours of the decoded picture lie where those of the target lie?"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from skimage.feature import canny
from torch import Tensor

from foresight_harness.parts.metrics.guards import require_pair

SIGMA_PX = 1.0
LOW, HIGH = 0.05, 0.15
"""Canny's hysteresis thresholds on the gradient of luma in [0, 1]; fixed, so that a blurred picture loses edges."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue, ITU-R BT.601."""

NEIGHBOURS = np.ones((3, 3), dtype=bool)
"""Tolerance of one pixel, diagonals included."""


def edge_f1(output: Tensor, target: Tensor) -> Tensor:
    """F1 of the output's edge pixels against the target's with a tolerance of one pixel, mean over frames.

    Precision is the share of the output's edge pixels with a target edge within one pixel, recall the share of the
    target's with an output edge. Edges are Canny's at fixed thresholds on luma.

    Args:
        output: [B, T, 3, H_px, W_px] in [0, 1]
        target: [B, T, 3, H_px, W_px] in [0, 1]

    Returns:
        Values in [0, 1]. Frames whose *target* has no edge are left out, NaN where all are: which samples count
        depends on the target alone, so that candidates are compared on the same ones. [B] float64
    """
    output, target = require_pair(output, target)
    values = torch.full(output.shape[:2], math.nan, dtype=torch.float64)
    for sample, frame in np.ndindex(*values.shape):
        values[sample, frame] = _f1(edge_map(output[sample, frame]), edge_map(target[sample, frame]))
    return values.nanmean(dim=1)


def edge_map(picture: Tensor) -> NDArray[np.bool_]:
    """Canny edges of one picture. [3, H_px, W_px] in [0, 1] -> [H_px, W_px]"""
    luma = torch.einsum("c,chw->hw", picture.new_tensor(LUMA), picture).cpu().numpy()
    edges = canny(luma, sigma=SIGMA_PX, low_threshold=LOW, high_threshold=HIGH)  # type: ignore[no-untyped-call]
    return np.asarray(edges, dtype=bool)


def _f1(output: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    if not target.any():
        return math.nan
    if not output.any():
        return 0.0
    precision = float(binary_dilation(target, NEIGHBOURS)[output].mean())
    recall = float(binary_dilation(output, NEIGHBOURS)[target].mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
