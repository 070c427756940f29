"""What an LTX-Video autoencoder takes: as published 8k + 1 frames and sides that are multiples of 32."""

from __future__ import annotations

from foresight_harness import LatentSpace
from foresight_harness.contracts.errors import GridError

from foresight_ltx_video.presets import LATENT_CHANNELS, STRIDE_FRAMES, STRIDE_PX

PUBLISHED = LatentSpace(channels=LATENT_CHANNELS, stride_px=STRIDE_PX, stride_frames=STRIDE_FRAMES)


def require_legal_size(frames: int, height_px: int, width_px: int, space: LatentSpace = PUBLISHED) -> None:
    """Refuse what the autoencoder would cut or could not take.

    0.9.0 and 0.9.1 silently drop frames beyond the last 8k + 1: two frames in, one out.

    Raises:
        GridError: in one line, with the nearest legal counts or sizes.
    """
    slot, side = space.stride_frames, space.stride_px
    if frames < 1 or frames % slot != 1:
        below = (frames - 1) // slot * slot + 1
        nearest = " and ".join(str(count) for count in (below, below + slot) if count > 0)
        first = ", ".join(str(count * slot + 1) for count in range(3))
        raise GridError(f"{frames} frames: LTX-Video takes {slot}k + 1 frames ({first} ...); nearest are {nearest}")
    if min(height_px, width_px) < 1 or height_px % side or width_px % side:
        raise GridError(
            f"{height_px}x{width_px} px: LTX-Video takes sides that are multiples of {side}; "
            f"nearest are {_multiples(height_px, side)} high and {_multiples(width_px, side)} wide"
        )


def _multiples(length: int, side: int) -> str:
    """The nearest legal lengths, ``length`` itself where it is one."""
    below = length // side * side
    nearest = {below, below if below == length else below + side}
    return " or ".join(str(size) for size in sorted(nearest) if size > 0) or str(side)
