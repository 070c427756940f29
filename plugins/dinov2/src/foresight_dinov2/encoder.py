"""The built encoder: runs embeddings and blocks one by one, as deep as the deepest tap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness.grids import TokenGrid
from torch import Tensor, nn

from foresight_dinov2.preprocessing import preprocess
from foresight_dinov2.presets import PATCH_PX


class Dinov2Encoder:
    """A ``Dinov2Model`` or ``Dinov2WithRegistersModel``, read at its taps.

    Args:
        model: In evaluation mode, on its device.
        registers: Register tokens that follow the class token; both are dropped.
        input_px: Shorter side of the resized picture.
        facts: What was really used.
    """

    def __init__(self, model: nn.Module, *, registers: int, input_px: int, facts: Mapping[str, Any]) -> None:
        self._embeddings: Any = model.get_submodule("embeddings")
        self._blocks: list[Any] = list(model.get_submodule("encoder.layer").children())
        self._norm: Any = model.get_submodule("layernorm")
        self._dtype = next(model.parameters()).dtype
        self._prefix = 1 + registers
        self._input_px = input_px
        self._facts = dict(facts)

    def facts(self) -> Mapping[str, Any]:
        """Attention, dtype and parameters."""
        return self._facts

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features; frames are encoded independently.

        Args:
            clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px]
            taps: ``patch_embed``, ``block.NN`` or ``last``.

        Returns:
            One grid per tap. [B, T, H_px' / 14, W_px' / 14, C]
        """
        batch, frames = clips.shape[:2]
        pixels = preprocess(clips.flatten(0, 1), self._input_px, self._dtype)
        rows, cols = (int(side) // PATCH_PX for side in pixels.shape[-2:])
        states = self._states(pixels, set(taps))
        return {tap: TokenGrid(states[tap].reshape(batch, frames, rows, cols, -1)) for tap in taps}

    def _states(self, pixels: Tensor, taps: set[str]) -> dict[str, Tensor]:
        """Patch tokens at the taps. [B*T, H*W, C]"""
        states: dict[str, Tensor] = {}
        if "patch_embed" in taps:
            states["patch_embed"] = self._embeddings.patch_embeddings(pixels)
        names = [f"block.{index:02d}" for index in range(len(self._blocks))]
        wanted = [index for index, name in enumerate(names) if name in taps]
        depth = len(names) if "last" in taps else max(wanted, default=-1) + 1
        if depth == 0:
            return states
        tokens: Tensor = self._embeddings(pixels)
        for name, block in zip(names[:depth], self._blocks, strict=False):
            tokens = block(tokens)
            if name in taps:
                states[name] = tokens[:, self._prefix :]
        if "last" in taps:
            states["last"] = self._norm(tokens)[:, self._prefix :]
        return states
