"""Pictures for admission: known places repainted, colours known, one value changed. Drawn without global state."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CODE = 16
"""Rows and columns of the squares that are repainted; grids of another size meet parts of several."""
SCALES = (16, 8, 4)
"""Sides on which the code varies, in squares: fine grids are told apart by the first, coarse ones by the last."""
REPAINTED = 0.08
"""Share of the squares that one picture repaints."""
LUMINANCE = (0.299, 0.587, 0.114)

Code = NDArray[np.int64]


def place_code(pictures: int, seed: int = 0) -> Code:
    """Which picture repaints which square: every square is repainted in one picture, or in none.

    Little of each picture is repainted: what all of it does to all tokens, through global attention, then stays small
    beside what a square does to the token that covers it.

    Args:
        pictures: Number of repainted pictures.
        seed: Of the private generator.

    Returns:
        Number of the picture; ``pictures`` where the square is left alone in all. [CODE, CODE]
    """
    random = np.random.default_rng(seed)
    fields = np.zeros((pictures, CODE, CODE))
    for side in SCALES:
        fields += np.kron(random.standard_normal((pictures, side, side)), np.ones((CODE // side, CODE // side)))
    highest = fields.max(0)
    share = min(pictures * REPAINTED, 0.9)
    return np.where(highest > np.quantile(highest, 1 - share), fields.argmax(0), pictures)


def repainted(clip: Tensor, squares: NDArray[np.bool_]) -> Tensor:
    """Repaint squares with the colour farthest from what is there, channel by channel.

    Args:
        clip: [T, 3, H_px, W_px]
        squares: Which ones. [CODE, CODE]

    Returns:
        A copy. [T, 3, H_px, W_px]
    """
    found = clip.clone()
    rows, cols = (np.linspace(0, int(side), CODE + 1).round().astype(int) for side in clip.shape[-2:])
    for row, col in zip(*squares.nonzero(), strict=True):
        region = found[..., rows[row] : rows[row + 1], cols[col] : cols[col + 1]]
        if region.numel():
            region.copy_((region.mean((-2, -1), keepdim=True) < 0.5).to(clip.dtype).expand_as(region))
    return found


def grey(clip: Tensor) -> Tensor:
    """The same without colour: three equal channels. [T, 3, H_px, W_px]"""
    weights = torch.tensor(LUMINANCE, dtype=clip.dtype).reshape(1, 3, 1, 1)
    return (clip * weights).sum(1, keepdim=True).expand_as(clip).contiguous()


def barely_changed(clip: Tensor, seed: int = 0) -> Tensor:
    """A few values moved by one step of 255: nothing to be seen, and another picture to whoever compares bytes."""
    found = clip.clone().flatten()
    order = torch.randperm(found.numel(), generator=torch.Generator().manual_seed(seed))
    chosen = order[: max(8, found.numel() // 5000)]
    step = 1 / 255
    found[chosen] = torch.where(found[chosen] > 0.5, found[chosen] - step, found[chosen] + step)
    return found.reshape(clip.shape)


def bands(colours: tuple[tuple[float, float, float], ...], like: Tensor) -> Tensor:
    """Upright bands of plain colours, of the size and frames of ``like``. [T, 3, H_px, W_px]"""
    found = torch.empty_like(like)
    edges = np.linspace(0, like.shape[-1], len(colours) + 1).round().astype(int)
    for colour, left, right in zip(colours, edges[:-1], edges[1:], strict=True):
        found[..., left:right] = torch.tensor(colour, dtype=like.dtype).reshape(1, 3, 1, 1)
    return found
