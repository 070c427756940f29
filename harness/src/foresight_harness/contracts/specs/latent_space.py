"""The space that a decoder reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LatentSpace:
    """Where a decoder reads: channels and how many pixels and frames one latent cell covers."""

    channels: int
    stride_px: int
    stride_frames: int = 1

    def frames(self, frames: int) -> int:
        """Latent frames of a clip of ``frames`` frames (causal: the first frame has a slot of its own)."""
        return (frames - 1) // self.stride_frames + 1
