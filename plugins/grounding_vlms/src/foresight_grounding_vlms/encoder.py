"""The built encoder: clips in, token grids at its taps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness.grids import TokenGrid, require_finite
from foresight_vlm_kit.counting import count
from foresight_vlm_kit.origin import Origin
from foresight_vlm_kit.pictures import squash
from torch import Tensor

from foresight_grounding_vlms.presets import Size
from foresight_grounding_vlms.towers import Tower


class TowerEncoder:
    """A tower on single square pictures, one a frame."""

    def __init__(self, tower: Tower, preset: Size, origin: Origin, input_px: int) -> None:
        self._tower, self._preset, self._origin, self._input_px = tower, preset, origin, input_px

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features; each frame is squashed to a square and encoded by itself.

        Args:
            clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px]
            taps: Of the spec.

        Returns:
            One grid per tap. [B, T, H, W, C]
        """
        pixels = squash(clips.to(self._origin.device), self._input_px, *self._preset.colours)
        found = self._tower.read(pixels.to(self._origin.torch_dtype), taps)
        for tap in taps:
            require_finite(found[tap], f"{self._preset.name}@{tap}")
        return {tap: TokenGrid(torch.unflatten(found[tap], 0, clips.shape[:2])) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """What is really used."""
        return {
            "attention": self._origin.attention,
            "dtype": self._origin.dtype,
            "device": self._origin.device,
            "params": count(*self._tower.modules()),
            "input_px": self._input_px,
        }
