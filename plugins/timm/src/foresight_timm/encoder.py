"""The built encoder: timm's own ``forward_intermediates``, as deep as the deepest tap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness.grids import TokenGrid
from torch import Tensor

from foresight_timm.preprocessing import preprocess
from foresight_timm.presets import Preset


class TimmEncoder:
    """A plain ViT of timm, read at its taps.

    Args:
        model: In evaluation mode, on its device.
        preset: What it is.
        side_px: Side of the square that pictures are squashed to.
        facts: What was really used.
    """

    def __init__(self, model: Any, preset: Preset, *, side_px: int, facts: Mapping[str, Any]) -> None:
        self._model = model
        self._preset = preset
        self._side_px = side_px
        self._dtype: torch.dtype = next(model.parameters()).dtype
        self._facts = dict(facts)

    def facts(self) -> Mapping[str, Any]:
        """Attention, dtype, parameters and the version of timm."""
        return self._facts

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features; frames are encoded independently.

        Args:
            clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px]
            taps: ``patch_embed``, ``block.NN``, and ``last`` or ``neck`` where there is one.

        Returns:
            One square grid per tap. [B, T, side_px / patch_px, side_px / patch_px, C]
        """
        batch, frames = clips.shape[:2]
        colours, interpolation = self._preset.colours, self._preset.interpolation
        pixels = preprocess(clips.flatten(0, 1), self._side_px, colours, interpolation, self._dtype)
        cells = self._side_px // self._preset.patch_px
        states = self._states(pixels, set(taps))
        return {tap: TokenGrid(states[tap].reshape(batch, frames, cells, cells, -1)) for tap in taps}

    def _states(self, pixels: Tensor, taps: set[str]) -> dict[str, Tensor]:
        """Tokens at the taps. [B*T, H, W, C] or [B*T, H*W, C]"""
        names = self._preset.block_names
        indices = [index for index, name in enumerate(names) if name in taps]
        final = self._preset.final if self._preset.final in taps else None
        if final is not None and len(names) - 1 not in indices:
            indices.append(len(names) - 1)
        if not indices:
            return {"patch_embed": self._model.patch_embed(pixels)}
        states: dict[str, Tensor] = {}

        def remember(module: Any, inputs: Any, output: Tensor) -> None:
            states["patch_embed"] = output

        handle = self._model.patch_embed.register_forward_hook(remember)
        try:
            maps = self._model.forward_intermediates(
                pixels, indices=indices, stop_early=True, intermediates_only=True, output_fmt="NCHW"
            )
        finally:
            handle.remove()
        states |= {names[index]: found.movedim(1, -1) for index, found in zip(indices, maps, strict=True)}
        if final == "last":
            # A LayerNorm acts on single tokens, so it may run after the prefix tokens are gone.
            states["last"] = self._model.norm(states[names[-1]])
        elif final == "neck":
            states["neck"] = self._model.neck(maps[-1]).movedim(1, -1)
        return states
