"""What an oracle may know of a picture: where its parts are, and the colour of each. No texture, light or noise."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import label
from torch import Tensor


def painted(clips: Tensor, foreground: Tensor) -> Tensor:
    """The union of the objects' masks, and the picture with every part painted in its own mean colour.

    A part is a connected region of the mask (edges, not corners, connect), or the background. Objects that touch are
    one part.

    Args:
        clips: [b, T, 3, H_px, W_px] in [0, 1]
        foreground: [b, T, H_px, W_px] bool

    Returns:
        Coverage, then red, green and blue. [b, T, 4, H_px, W_px] float32
    """
    scenes = torch.empty(*clips.shape[:2], 4, *clips.shape[3:])
    scenes[:, :, 0] = foreground.float()
    for index in np.ndindex(*clips.shape[:2]):
        scenes[index][1:] = torch.from_numpy(_flat(clips[index].cpu().numpy(), foreground[index].cpu().numpy()))
    return scenes


def _flat(picture: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean colour of each part in its place. [3, H_px, W_px], [H_px, W_px] bool -> [3, H_px, W_px] float32"""
    parts = label(mask)[0].ravel()
    sizes = np.bincount(parts)
    sums = np.stack([np.bincount(parts, weights=plane.ravel()) for plane in picture])
    means = sums / np.maximum(sizes, 1)
    return np.asarray(means[:, parts].reshape(picture.shape), dtype=np.float32)
