"""From masks to boxes and tensors: what the data sets with exact masks share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Mask = npt.NDArray[np.bool_]
Picture = npt.NDArray[np.uint8]
Clip = npt.NDArray[np.uint8]
"""[T, H_px, W_px, 3]"""
ClipMask = npt.NDArray[np.bool_]
"""[T, N, H_px, W_px]"""


def tight_box(mask: Mask) -> tuple[float, float, float, float]:
    """Tight bound of a mask that is not empty, xyxy relative to its sides. [H_px, W_px]"""
    rows = np.flatnonzero(mask.any(axis=1))
    cols = np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return (
        float(cols[0]) / width,
        float(rows[0]) / height,
        float(cols[-1] + 1) / width,
        float(rows[-1] + 1) / height,
    )


def boxes_of(masks: Mask) -> Tensor:
    """Tight boxes of one frame's masks. [N, H_px, W_px] -> [1, N, 4] float32"""
    return torch.tensor([tight_box(mask) for mask in masks], dtype=torch.float32).reshape(1, -1, 4)


def clip_of(picture: Picture) -> Tensor:
    """One picture as a clip of one frame. [H_px, W_px, 3] uint8 -> [1, 3, H_px, W_px] float32 in [0, 1]"""
    channels_first = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    return channels_first.unsqueeze(0).float().div_(255)


def boxes_of_frames(masks: ClipMask) -> Tensor:
    """Tight boxes in every frame; every object is visible in all of them. [T, N, H_px, W_px] -> [T, N, 4] float32"""
    return torch.cat([boxes_of(frame) for frame in masks])


def clip_of_frames(frames: Clip) -> Tensor:
    """Frames as a clip. [T, H_px, W_px, 3] uint8 -> [T, 3, H_px, W_px] float32 in [0, 1]"""
    return torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))).float().div_(255)


def no_boxes(frames: int = 1) -> Tensor:
    """Boxes of a clip whose objects are not known. [T, 0, 4] float32"""
    return torch.zeros(frames, 0, 4)
