"""Any picture file to a square canvas: every mode a camera or a scanner writes, and one line where it is unusable."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs.data import MAX_PIXELS
from foresight_harness.parts.datasets.picture_kinds import kind_of
from foresight_harness.parts.datasets.picture_metadata import exif_block, orientation_of, without_metadata

if TYPE_CHECKING:
    from PIL.Image import Image

Source = Path | BytesIO
"""A file, or the bytes of one."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM", "JPEG2000")
"""HEIC too where the extra ``[heic]`` is installed. Of several pages or frames the first is read."""
SIXTEEN_BITS = 65535.0
EIGHT_BITS = 255.0
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""Orientation to the transposition that brings it upright. Source: EXIF 2.3, tag 0x0112."""


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """Formats that are read on this machine."""
    try:
        import pillow_heif
    except ImportError:
        return FORMATS
    pillow_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def size_of(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height of a picture as it is shown, from its header.

    Raises:
        DataError: if the file is no picture, or has more pixels than that.
    """
    return size_in(path, str(path), max_pixels)


def size_in(source: Source, where: str, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """``size_of`` a file or of its bytes, called ``where`` in messages."""
    with _opened(source, where, max_pixels, decode=False) as picture:
        width, height = picture.size
        return (height, width) if orientation_of(picture) > 4 else (width, height)


def read_picture(
    path: Path, size: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS
) -> npt.NDArray[np.float32]:
    """Decode a picture in the orientation in which it has the annotated size.

    Grey pictures get three equal channels, transparent ones are laid on white, CMYK is converted, 16 bit is kept.
    The orientation of the EXIF block is applied unless only the bare pixels have the annotated size: then the boxes
    were drawn on those. Metadata that cannot be read is passed over.

    Args:
        path: A file in one of ``formats()``.
        size: Annotated width and height, in pixels; None takes any.
        max_pixels: Refuse larger pictures, before they are decoded.

    Returns:
        [H_px, W_px, 3] float32 in [0, 1]

    Raises:
        DataError: if the file is no picture, damaged, too large, or of another size.
    """
    return picture_in(path, str(path), max_pixels, size)


def picture_in(
    source: Source, where: str, max_pixels: int = MAX_PIXELS, size: tuple[int, int] | None = None
) -> npt.NDArray[np.float32]:
    """``read_picture`` of a file or of its bytes, called ``where`` in messages. [H_px, W_px, 3] float32 in [0, 1]"""
    with _opened(source, where, max_pixels, size) as picture:
        turned = orientation_of(picture)
        upright = picture.size[::-1] if turned > 4 else picture.size
        if size is not None and size not in (picture.size, upright):
            found, wanted = (f"{width}x{height}" for width, height in (upright, size))
            raise DataError(
                f"{where} is {found} pixels and its annotations say {wanted}; boxes would be in the wrong place"
            )
        if turned > 1 and (size is None or size == upright):
            from PIL.Image import Transpose

            picture = picture.transpose(Transpose[TURNS[turned]])
        return _channels(picture, where)


@contextmanager
def _opened(
    source: Source, where: str, max_pixels: int, size: tuple[int, int] | None = None, *, decode: bool = True
) -> Iterator[Image]:
    """A picture whose header says an allowed size; what its decoder raises becomes one line."""
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # ours is read from the header, and can be chosen
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken metadata, which are passed over
            try:
                picture = _open(source, where, max_pixels, size, decode)
            except DataError:
                raise
            except Exception:
                # The metadata may be what cannot be read: once more without them.
                content = source.getvalue() if isinstance(source, BytesIO) else source.read_bytes()
                plain = without_metadata(content)
                if plain == content:
                    raise
                picture = _open(BytesIO(plain), where, max_pixels, size, decode)
                picture.info["exif"] = exif_block(content)
            with picture:
                yield picture
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file makes them raise
        reason = " ".join(str(error).split())[:120].replace(where, where.rpartition("/")[2])
        raise DataError(
            f"{where} cannot be read as a picture ({kind_of(source)}{type(error).__name__}: {reason}); "
            f"formats that are read: {', '.join(formats())}"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _open(source: Source, where: str, max_pixels: int, size: tuple[int, int] | None, decode: bool) -> Image:
    """Open, look at the header, and then decode. Raises: DataError for a size that is not allowed, else as PIL does."""
    from PIL import Image

    picture = Image.open(source, formats=formats())
    width, height = picture.size
    if width * height > max_pixels:
        raise DataError(
            f"{where} has {width}x{height} pixels, more than {max_pixels:,}; make it smaller, or allow it with "
            f"--max-pixels {width * height}"
        )
    if size is not None and sorted(size) != sorted(picture.size):
        wanted = "x".join(map(str, size))
        raise DataError(
            f"{where} is {width}x{height} pixels and its annotations say {wanted}; boxes would be in the wrong place"
        )
    if decode:
        picture.load()
    return picture


def _channels(picture: Image, where: str) -> npt.NDArray[np.float32]:
    """Three channels in [0, 1] of a picture of any mode. [H_px, W_px, 3]"""
    from PIL import Image

    if picture.mode == "F":
        return _grey(_scaled(np.asarray(picture, dtype=np.float32), where))
    if picture.mode.startswith("I"):
        return _grey(np.asarray(picture, dtype=np.float32) / np.float32(SIXTEEN_BITS))
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / np.float32(EIGHT_BITS)


def _scaled(values: npt.NDArray[np.float32], where: str) -> npt.NDArray[np.float32]:
    """Floating-point brightness, white being 1. Raises: DataError where it cannot be."""
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise DataError(
            f"{where} holds floating-point values from {low:g} to {high:g}, and white is 1; save it with 8 or 16 bits"
        )
    return values


def _grey(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.repeat(np.clip(values, 0, 1)[:, :, None], 3, axis=2)


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
