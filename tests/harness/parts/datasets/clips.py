"""Small real clips of every kind that people have, drawn so that a turn and a frame's number can be seen."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

FRAMES = 12
MATRICES = {
    90: (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
    180: (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30),
    270: (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30),
}
"""Of a track header, by degrees with the clock. Source: ISO 14496-12, tkhd."""


def write(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    frames: int = FRAMES,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    aspect: tuple[int, int] | None = None,
    times: Callable[[int], int] | None = None,
    form: str | None = None,
    cover: bool = False,
    options: Mapping[str, str] | None = None,
) -> Path:
    """A clip whose left upper quarter is orange; a bar at the left grows lighter with the number of the frame."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=25, options=dict(options or {}))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
        picture: Any = None
        if cover:
            from av.stream import Disposition

            picture = container.add_stream("mjpeg", rate=25)
            picture.width, picture.height, picture.pix_fmt = 96, 96, "yuvj420p"
            picture.disposition = Disposition.attached_pic
        for number in range(frames):
            drawn = np.full((height, width, 3), 30, np.uint8)
            drawn[: height // 2, : width // 2] = (220, 130, 40)
            drawn[:, : max(4, width // 8)] = 60 + 190 * number // frames
            frame = av.VideoFrame.from_ndarray(drawn, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times(number), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if cover:
            still = av.VideoFrame.from_ndarray(np.full((96, 96, 3), 250, np.uint8), format="rgb24")
            container.mux(picture.encode(still))
            container.mux(picture.encode())
    return path


def turn(path: Path, degrees: int) -> Path:
    """Write a display matrix into an MP4 file's track header."""
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 4
    content[at + 40 : at + 76] = struct.pack(">9i", *MATRICES[degrees])
    path.write_bytes(bytes(content))
    return path


def of_two_sizes(path: Path) -> Path:
    """Ten frames of 64 x 48, then ten of 96 x 64, in one stream."""
    parts = [
        write(
            path.with_name(f"{path.stem}_{width}.m2v"),
            size=(width, height),
            frames=10,
            codec="mpeg2video",
            form="mpeg2video",
        )
        for width, height in ((64, 48), (96, 64))
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return path


KINDS: dict[str, Callable[[Path], Path]] = {
    "h264.mp4": lambda path: write(path),
    "vp9.webm": lambda path: write(path, codec="libvpx-vp9"),
    "mpeg4.avi": lambda path: write(path, codec="mpeg4"),
    "h264.mkv": lambda path: write(path),
    "turned_90.mp4": lambda path: turn(write(path), 90),
    "turned_180.mp4": lambda path: turn(write(path), 180),
    "turned_270.mov": lambda path: turn(write(path), 270),
    "turned_90_odd.mp4": lambda path: turn(write(path, size=(63, 47), pixels="yuv444p"), 90),
    "wide_pixels.mp4": lambda path: write(path, aspect=(4, 3)),
    "narrow_pixels.mkv": lambda path: write(path, aspect=(8, 9)),
    "wide_pixels_turned.mp4": lambda path: turn(write(path, aspect=(16, 11)), 90),
    "absurd_pixels.mkv": lambda path: write(path, aspect=(100, 1)),
    "times_apart.mkv": lambda path: write(path, times=lambda number: 7 * number * number),
    "times_doubled.mkv": lambda path: write(path, times=lambda number: 40 * number + 400 * (number > 5)),
    "odd_444.mp4": lambda path: write(path, size=(63, 47), pixels="yuv444p"),
    "odd_vp9.webm": lambda path: write(path, size=(61, 45), codec="libvpx-vp9"),
    "ten_bit.mp4": lambda path: write(path, pixels="yuv420p10le"),
    "ten_bit_422.mkv": lambda path: write(path, pixels="yuv422p10le"),
    "many_between.mp4": lambda path: write(path, frames=24, options={"bf": "3", "g": "24"}),
    "with_cover.mp4": lambda path: write(path, cover=True),
}
"""Twenty kinds; both readers give equal frames of each."""
