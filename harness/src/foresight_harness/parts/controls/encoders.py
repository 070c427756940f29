"""The controls themselves: parameter-free encoders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.token_grids import TokenGrid, resample_tokens

FACTS: Mapping[str, Any] = {"attention": "none", "dtype": "float32", "params": 0}


class Pixels:
    """Raw patches as tokens: the floor of "no model"."""

    def __init__(self, patch_px: int, input_px: int) -> None:
        self.patch_px = patch_px
        self.input_px = input_px

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """[B, T, 3, H_px, W_px] -> ``patch`` [B, T, H, W, 3 * patch_px ** 2]"""
        batch, frames = clips.shape[:2]
        side = self.input_px // self.patch_px * self.patch_px
        pictures = F.interpolate(
            clips.flatten(0, 1), (side, side), mode="bilinear", align_corners=False, antialias=True
        )
        cells = side // self.patch_px
        tokens = F.pixel_unshuffle(pictures, self.patch_px).permute(0, 2, 3, 1)
        return dict.fromkeys(taps, TokenGrid(tokens.reshape(batch, frames, cells, cells, -1)))

    def facts(self) -> Mapping[str, Any]:
        """No weights, no attention."""
        return FACTS


class Constant:
    """The same token everywhere: what a probe scores when features say nothing at all."""

    def __init__(self, patch_px: int, input_px: int) -> None:
        self.cells = input_px // patch_px

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """[B, T, 3, H_px, W_px] -> ``patch`` [B, T, H, W, 8] of ones"""
        tokens = torch.ones(clips.shape[0], clips.shape[1], self.cells, self.cells, 8, device=clips.device)
        return dict.fromkeys(taps, TokenGrid(tokens))

    def facts(self) -> Mapping[str, Any]:
        """No weights, no attention."""
        return FACTS


class Oracle:
    """What annotations say of each patch: the share that objects cover, and the colours of the parts in it.

    ``mask`` is the coverage alone, the ceiling of probes that look for objects. A decoder needs to know in what colour:
    on pictures whose objects and backgrounds share one palette a mask says nothing about the expected pixel. ``scene``
    holds the coverage and the picture with each part in its mean colour.
    """

    def __init__(self, patch_px: int, input_px: int) -> None:
        self.cells = input_px // patch_px

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Coverage and painted scene [B, T, 4, H_px, W_px] -> ``mask`` [B, T, H, W, 1], ``scene`` [B, T, H, W, 4]"""
        batch, frames = clips.shape[:2]
        cells = F.adaptive_avg_pool2d(clips.flatten(0, 1), (self.cells, self.cells))
        tokens = cells.reshape(batch, frames, -1, self.cells, self.cells).permute(0, 1, 3, 4, 2)
        return {tap: TokenGrid(tokens[..., :1] if tap == "mask" else tokens) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """No weights, no attention."""
        return FACTS


class Pooled:
    """An encoder's tokens averaged over blocks: fewer places, the same channels.

    Sides that the block does not divide give ``H // side`` cells of nearly equal size that cover the picture evenly, so
    that places stay true.
    """

    def __init__(self, side: int) -> None:
        self.side = side

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Another encoder's tokens [B, T, H, W, C] -> [B, T, H // side, W // side, C], at least one cell each way"""
        rows, cols = (max(1, int(cells) // self.side) for cells in clips.shape[2:4])
        return dict.fromkeys(taps, TokenGrid(resample_tokens(clips, (rows, cols))))

    def facts(self) -> Mapping[str, Any]:
        """No weights, no attention."""
        return FACTS


class TimeShuffled:
    """An encoder's temporal slots in random order, permuted anew in every clip: *when* is destroyed, *where* is kept.

    Pictures, which have one slot, are left as they are.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Another encoder's tokens [B, T, H, W, C] -> the same, permuted over T by seed and content."""
        out = torch.empty_like(clips)
        for index, clip in enumerate(clips):
            order = _permutation(clip, self.seed, clip.shape[0])
            out[index] = clip[order.to(clip.device)]
        return dict.fromkeys(taps, TokenGrid(out))

    def facts(self) -> Mapping[str, Any]:
        """No weights, no attention."""
        return FACTS


def _permutation(tokens: Tensor, seed: int, count: int) -> Tensor:
    """A permutation that follows from seed and content alone. [count] int64"""
    content = tokens.float().contiguous().cpu().numpy().tobytes()
    digest = hashlib.sha256(content + str(seed).encode()).digest()
    return torch.randperm(count, generator=torch.Generator().manual_seed(int.from_bytes(digest[:7], "little")))


class Shuffled:
    """An encoder's tokens in random places, permuted anew in every picture: *what* is kept, *where* is destroyed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Another encoder's tokens [B, T, H, W, C] -> the same, permuted over H x W.

        The permutation follows from the seed and the tokens themselves, so that it is repeatable, differs from picture
        to picture, and does not depend on how pictures are batched.
        """
        batch, frames, rows, cols, width = clips.shape
        flat = clips.reshape(batch, frames, rows * cols, width)
        out = torch.empty_like(flat)
        for index in range(batch):
            order = _permutation(flat[index], self.seed, rows * cols)
            out[index] = flat[index][:, order.to(flat.device)]
        return dict.fromkeys(taps, TokenGrid(out.reshape_as(clips)))

    def facts(self) -> Mapping[str, Any]:
        """No weights, no attention."""
        return FACTS
