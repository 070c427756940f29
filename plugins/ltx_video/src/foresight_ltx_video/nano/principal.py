"""Principal components of square patches, level by level: what the nano autoencoder starts from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Basis:
    """An affine description of square patches: ``patch = mean + components @ code``."""

    side: int
    """Pixels."""
    components: Tensor
    """Columns are orthonormal; rows are channel, row, column. [3 * side**2, k]"""
    mean: Tensor
    """[3 * side**2]"""


def principal_basis(pictures: Tensor, side: int, count: int) -> Basis:
    """Mean and first principal components of all patches on the grid, each picture mirrored both ways as well.

    Args:
        pictures: In [-1, 1]. [N, 3, H_px, W_px]
        side: Of a patch, in pixels; divides the picture.
        count: Components wanted, at most ``3 * side**2``.

    Returns:
        Components by falling variance, their signs fixed (the largest entry of each is positive).
    """
    width, seen = 3 * side**2, 0
    total = torch.zeros(width, dtype=torch.float64)
    squares = torch.zeros(width, width, dtype=torch.float64)
    for block in torch.split(pictures, 64):
        for flipped in (block, block.flip(-1), block.flip(-2)):
            patches = torch.nn.functional.pixel_unshuffle(flipped, side).permute(0, 2, 3, 1).flatten(0, 2)
            total += patches.double().sum(0)
            squares += (patches.T @ patches).double()
            seen += len(patches)
    mean = total / seen
    covariance = squares / seen - torch.outer(mean, mean)
    _, vectors = torch.linalg.eigh(covariance)
    components = vectors[:, -count:].flip(1)
    largest = components.gather(0, components.abs().argmax(0, keepdim=True))
    return Basis(side, (components * largest.sign()).float(), mean.float())


def turned(basis: Basis, turn: Tensor) -> Basis:
    """The same description with codes ``turn @ code``. ``turn`` [m, k] has orthonormal columns."""
    return Basis(basis.side, basis.components @ turn.T, basis.mean)


def balanced_turn(channels: int, count: int, generator: torch.Generator) -> Tensor:
    """A random map that spreads codes evenly over channels which always add up to zero. [channels, count]

    Evenly, so that an error in any channel costs about the same in pixels; with sum zero, so that a norm over the
    channels divides them by nearly the same number everywhere.

    Raises:
        ValueError: if ``count`` is not under ``channels``.
    """
    if count >= channels:
        raise ValueError(f"{count} codes in {channels} channels that add up to zero")
    draw = torch.randn(channels, count, generator=generator, dtype=torch.float64)
    turn: Tensor = torch.linalg.qr(draw - draw.mean(0))[0].float()
    return turn


def pieces(fine: Basis, coarse: Basis) -> tuple[Tensor, Tensor, Tensor]:
    """How patches of twice the side are assembled from four of the finer level.

    Returns:
        For each of the four places (row, column) the pixel rows of a coarse patch that the fine one covers, in the fine
        patch's own order [2, 2, 3 * side**2]; the coarse code of a fine code [2, 2, K, k]; and its share of the coarse
        bias [2, 2, K].
    """
    side = fine.side
    places = torch.arange(3 * (2 * side) ** 2).reshape(3, 2 * side, 2 * side)
    rows = torch.stack(
        [torch.stack([places[:, y : y + side, x : x + side].flatten() for x in (0, side)]) for y in (0, side)]
    )
    parts = coarse.components[rows]
    gather = torch.einsum("yxpK,pk->yxKk", parts, fine.components)
    bias = torch.einsum("yxpK,yxp->yxK", parts, fine.mean - coarse.mean[rows])
    return rows, gather, bias
