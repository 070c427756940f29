"""What LTX-Video's autoencoder takes: 8k + 1 frames and sides that are multiples of 32."""

from __future__ import annotations

from foresight_harness.contracts.errors import GridError

from foresight_ltx_video.presets import STRIDE_FRAMES, STRIDE_PX


def require_legal_size(frames: int, height_px: int, width_px: int) -> None:
    """Refuse what the autoencoder would cut or could not take.

    0.9.0 and 0.9.1 silently drop frames beyond the last 8k + 1: two frames in, one out.

    Raises:
        GridError: in one line, with the nearest legal counts or sizes.
    """
    if frames < 1 or frames % STRIDE_FRAMES != 1:
        below = (frames - 1) // STRIDE_FRAMES * STRIDE_FRAMES + 1
        nearest = " and ".join(str(count) for count in (below, below + STRIDE_FRAMES) if count > 0)
        raise GridError(f"{frames} frames: LTX-Video takes 8k + 1 frames (1, 9, 17 ...); nearest are {nearest}")
    if min(height_px, width_px) < 1 or height_px % STRIDE_PX or width_px % STRIDE_PX:
        raise GridError(
            f"{height_px}x{width_px} px: LTX-Video takes sides that are multiples of {STRIDE_PX}; "
            f"nearest are {_multiples(height_px)} high and {_multiples(width_px)} wide"
        )


def _multiples(side: int) -> str:
    """The nearest legal sides, ``side`` itself where it is one."""
    below = side // STRIDE_PX * STRIDE_PX
    nearest = {below, below if below == side else below + STRIDE_PX}
    return " or ".join(str(size) for size in sorted(nearest) if size > 0) or str(STRIDE_PX)
