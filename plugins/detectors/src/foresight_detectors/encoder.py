"""The built encoder: pictures in, tokens of a detector at its taps out, and the boxes that it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from foresight_harness.grids import TokenGrid
from torch import Tensor

from foresight_detectors.boxes import Detections, drawn
from foresight_detectors.preprocessing import preprocess
from foresight_detectors.sizes import BOXES, Size


class Network(Protocol):
    """A detector of one family, read from outside."""

    dtype: torch.dtype

    def read(self, pixels: Tensor, taps: Sequence[str]) -> tuple[dict[str, Tensor], Detections | None]:
        """Run as deep as the deepest tap.

        Args:
            pixels: [N, 3, H_px, W_px]
            taps: Of the size's spec.

        Returns:
            Tokens of the whole input at the taps but ``boxes``, [N, H, W, C] each; and what is predicted, where
            ``boxes`` is asked for.
        """
        ...


class DetectorEncoder:
    """A detector, read at its taps.

    Args:
        network: In evaluation mode, on its device.
        size: Its rule of resizing and its strides.
        input_px: Side of the resized picture.
        facts: What was really used.
    """

    def __init__(self, network: Network, size: Size, *, input_px: int, facts: Mapping[str, Any]) -> None:
        self._network = network
        self._size = size
        self._input_px = input_px
        self._facts = dict(facts)

    def facts(self) -> Mapping[str, Any]:
        """Attention, dtype and parameters."""
        return self._facts

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features and boxes; frames are encoded independently.

        Args:
            clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px]
            taps: Of the spec.

        Returns:
            One grid per tap, of the picture alone where the network also saw padding. [B, T, H, W, C]
        """
        batch, frames = clips.shape[:2]
        shown = preprocess(clips.flatten(0, 1), self._input_px, self._size, self._network.dtype)
        rows_px, cols_px = (int(side) for side in shown.pixels.shape[-2:])
        shares = (shown.rows_px / rows_px, shown.cols_px / cols_px)
        tokens, detections = self._network.read(shown.pixels, taps)
        grids = {tap: _picture(found, shares) for tap, found in tokens.items()}
        if detections is not None:
            cells = (shown.rows_px // self._size.boxes_px, shown.cols_px // self._size.boxes_px)
            grids[BOXES] = drawn(detections, cells, shares).to(self._network.dtype)
        return {tap: TokenGrid(grids[tap].reshape(batch, frames, *grids[tap].shape[1:])) for tap in taps}


def _picture(tokens: Tensor, shares: tuple[float, float]) -> Tensor:
    """The tokens that show the picture: the upper left of the grid. [N, H, W, C]"""
    rows, cols = (round(share * side) for share, side in zip(shares, tokens.shape[1:3], strict=True))
    return tokens[:, :rows, :cols]
