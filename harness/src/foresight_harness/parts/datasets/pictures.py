"""Any picture file to a square canvas: every mode a camera or a scanner writes, and one line where it is unusable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
SIXTEEN_BITS = 65535.0


def read_picture(path: Path, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Decode a picture in the orientation in which it has the annotated size.

    Grey pictures get three equal channels, transparent ones are laid on white, CMYK is converted, 16 bit is kept.
    The orientation of the EXIF block is applied unless only the bare pixels have the annotated size: then the boxes
    were drawn on those.

    Args:
        path: A file in one of ``FORMATS``.
        size: Annotated width and height, in pixels.

    Returns:
        [H_px, W_px, 3] float32 in [0, 1]

    Raises:
        DataError: if the file is no picture, damaged, too large to be true, or of another size.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=FORMATS) as opened:
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            picture = opened.copy() if upright.size != size and opened.size == size else upright
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{path} cannot be read as a picture ({type(error).__name__}: {reason})") from error
    if picture.size != size:
        found, wanted = (f"{width}x{height}" for width, height in (picture.size, size))
        raise DataError(f"{path} is {found} pixels and its annotations say {wanted}; boxes would be in the wrong place")
    return _channels(picture)


def _channels(picture: Image) -> npt.NDArray[np.float32]:
    """Three channels in [0, 1] of a picture of any mode. [H_px, W_px, 3]"""
    from PIL import Image

    if picture.mode.startswith("I"):
        grey = np.asarray(picture, dtype=np.float32) / np.float32(SIXTEEN_BITS)
        return np.repeat(np.clip(grey, 0, 1)[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / np.float32(255)


def on_canvas(picture: npt.NDArray[np.float32], canvas_px: int) -> Tensor:
    """Squash a picture to the square canvas by antialiased bicubic interpolation.

    Args:
        picture: [H_px, W_px, 3] in [0, 1]
        canvas_px: Side of the canvas.

    Returns:
        A clip of one frame, clamped to [0, 1]. [1, 3, canvas_px, canvas_px] float32
    """
    from PIL import Image

    size = (canvas_px, canvas_px)
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BICUBIC))
        for plane in np.moveaxis(picture, 2, 0)
    ]
    return torch.from_numpy(np.stack(planes)).unsqueeze(0).clamp_(0, 1)
