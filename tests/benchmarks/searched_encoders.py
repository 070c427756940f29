"""Two encoders of one line each, for searches whose workers import nothing big: a plugin of one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from foresight_harness import BuildRequest, EncoderSpec, TapSpec, hookimpl


class Patches:
    """What stands in patches of 16 px: every pixel, or the mean colour."""

    def __init__(self, width: int) -> None:
        self.width = width

    def encode(self, clips: Any, taps: Sequence[str]) -> dict[str, Any]:
        """[B, T, 3, H_px, W_px] -> [B, T, H, W, 768 or 3] a tap"""
        from foresight_harness.grids import TokenGrid
        from torch.nn import functional as F

        pictures = clips.flatten(0, 1)
        made = F.avg_pool2d(pictures, 16) if self.width == 3 else F.pixel_unshuffle(pictures, 16)
        return {tap: TokenGrid(made.permute(0, 2, 3, 1).unflatten(0, clips.shape[:2])) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """No weights."""
        return {"attention": "none", "dtype": "float32", "params": 0}


def _build(width: int, request: BuildRequest) -> Any:
    return Patches(width)


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """Both."""
    return [
        EncoderSpec(
            name=name,
            build=partial(_build, width),
            taps=(TapSpec("patch", width=width, stride_px=16),),
            default_tap="patch",
            input_px=64,
            family="searched",
            params=0,
            weights=("random",),
            size="tiny",
        )
        for name, width in (("pixels_tiny", 768), ("colours_tiny", 3))
    ]
