"""Frames as a player shows them: turned as the container says, and as wide as its pixels are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
"""[H_px, W_px, 3]"""
QUARTER = 90
WIDEST = 10
"""A ratio beyond it, or under its inverse, is an error of the container and passed over."""


def quarter_turns(degrees: float | None) -> int:
    """Quarter turns against the clock, 0 to 3, of a rotation in degrees; what is no quarter turn is rounded to one."""
    return round((degrees or 0) / QUARTER) % 4


def turned(frame: Frame, degrees: float | None) -> Frame:
    """A frame turned against the clock by quarter turns."""
    return np.ascontiguousarray(np.rot90(frame, quarter_turns(degrees)))


def with_square_pixels(frame: Frame, aspect: Fraction | None, degrees: float | None) -> Frame:
    """Make pixels square that the stored frame shows wider or narrower than high, by making the shorter side longer.

    Args:
        frame: Already turned.
        aspect: Width over height of a stored pixel; None or 0 where nothing is said.
        degrees: How the frame was turned: width and height have changed places at odd quarter turns.
    """
    if not aspect or not 1 / WIDEST <= aspect <= WIDEST or aspect == 1:
        return frame
    from PIL import Image

    if quarter_turns(degrees) % 2:
        aspect = 1 / aspect
    height, width = frame.shape[:2]
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))
