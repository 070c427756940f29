"""Frames of a video file through torchcodec, or PyAV where that does not work on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.objects import Clip
from foresight_harness.parts.datasets.picture_kinds import kind_of
from foresight_harness.parts.datasets.video_upright import turned, with_square_pixels

Backend = Literal["torchcodec", "pyav"]
MODULES: dict[Backend, str] = {"torchcodec": "torchcodec.decoders", "pyav": "av"}
"""In the order in which they are tried. torchcodec needs the shared libraries of FFmpeg; PyAV brings its own."""


@lru_cache(maxsize=1)
def backend() -> Backend:
    """The reader of this machine. Raises: DataError saying what to install."""
    reasons = []
    for name, module in MODULES.items():
        reason = why_not(name, module)
        if reason is None:
            return name
        reasons.append(f"{name}: {reason}")
    raise DataError(
        f"no video reader works here ({', '.join(reasons)}); install one: pip install 'foresight-harness[video]'"
    )


def why_not(name: Backend, module: str) -> str | None:
    """Why a reader does not work here; None where it does."""
    try:
        loaded = import_module(module)
        if name == "torchcodec":
            if "rotation" not in loaded.VideoStreamMetadata.__dataclass_fields__:
                return "this version does not turn frames as their container says"
            loaded.VideoDecoder(b"no clip")
    except (ImportError, OSError) as error:
        return type(error).__name__
    except Exception as error:  # torchcodec imports without FFmpeg, and only says so when it is first used
        return "FFmpeg's shared libraries are not found" if "libtorchcodec" in str(error) else None
    return None


def frame_count(path: Path) -> int:
    """Frames of a clip. Raises: DataError naming the file where it cannot be read or has none."""
    try:
        count = _count_torchcodec(path) if backend() == "torchcodec" else _count_pyav(path)
    except DataError:
        raise
    except Exception as error:  # readers raise whatever their library raises
        raise _unreadable(path, error) from error
    if count < 1:
        raise DataError(f"{path} has no frames; remove it or encode it again")
    return count


def read_frames(path: Path, numbers: Sequence[int]) -> Clip:
    """Some frames of a clip, as a player shows them: turned and widened as its container says, covers passed over.

    Args:
        path: A video file.
        numbers: Which frames, ascending.

    Returns:
        [len(numbers), H_px, W_px, 3] uint8

    Raises:
        DataError: naming the file where it cannot be read or ends early.
    """
    try:
        frames = (_read_torchcodec if backend() == "torchcodec" else _read_pyav)(path, numbers)
    except DataError:
        raise
    except Exception as error:  # readers raise whatever their library raises
        raise _unreadable(path, error) from error
    if len(frames) < len(numbers):
        raise DataError(f"{path} ends early: {len(frames)} of {len(numbers)} wanted frames can be decoded")
    return np.stack(frames)


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:120]
    return DataError(f"{path} cannot be read as a clip ({kind_of(path)}{type(error).__name__}: {reason})")


def _torchcodec(path: Path, **options: Any) -> Any:
    track = _track_of(path)
    return import_module(MODULES["torchcodec"]).VideoDecoder(str(path), stream_index=track, **options)


def _count_torchcodec(path: Path) -> int:
    return len(_torchcodec(path))


def _read_torchcodec(path: Path, numbers: Sequence[int]) -> list[Any]:
    decoder = _torchcodec(path, dimension_order="NHWC")
    facts = decoder.metadata  # frames come turned, and with the pixels that are stored
    found = [decoder.get_frame_at(number).data.numpy() for number in numbers]
    _require_one_size(path, [(frame.shape[1], frame.shape[0]) for frame in found])
    return [with_square_pixels(frame, facts.pixel_aspect_ratio, facts.rotation) for frame in found]


def _track_of(path: Path) -> int | None:
    """Which stream holds the moving pictures, as PyAV sees it; None leaves it to the reader."""
    try:
        import av
    except ImportError:
        return None
    with av.open(str(path)) as container:
        return int(_moving(container, path).index)


def _moving(container: Any, path: Path) -> Any:
    """The stream that FFmpeg thinks best among those that are no cover. Raises: DataError where there is none."""
    from av.stream import Disposition

    def is_cover(stream: Any) -> bool:
        return bool(stream.disposition & Disposition.attached_pic)

    streams = container.streams.video
    if not streams:
        raise DataError(f"{path} has no picture track")
    moving = [stream for stream in streams if not is_cover(stream)]
    if not moving:
        raise DataError(f"{path} has no picture track but a cover")
    best = container.streams.best("video")
    return moving[0] if best is None or is_cover(best) else best


def _count_pyav(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(_moving(container, path)))


def _read_pyav(path: Path, numbers: Sequence[int]) -> list[Any]:
    import av

    wanted, found = set(numbers), []
    with av.open(str(path)) as container:
        stream = _moving(container, path)
        to_rgb, first = _conversion(stream), None
        for number, frame in enumerate(container.decode(stream)):
            size = (frame.width, frame.height)
            first = first or size
            _require_one_size(path, (first, size))
            if number in wanted:
                upright = turned(to_rgb(frame), frame.rotation)
                found.append(with_square_pixels(upright, stream.sample_aspect_ratio, frame.rotation))
            if number >= numbers[-1]:
                break
    return found


def _conversion(stream: Any) -> Callable[[Any], Any]:
    """Frames of a stream as RGB, by the filters that torchcodec uses: PyAV's own conversion blends the colours of odd
    sizes and of 10 bit otherwise (by up to 34 of 255 at sharp edges)."""
    import av.filter

    graph = av.filter.Graph()
    graph.link_nodes(graph.add_buffer(template=stream), graph.add("format", "rgb24"), graph.add("buffersink"))
    graph.configure()

    def convert(frame: Any) -> Any:
        graph.push(frame)
        return graph.pull().to_ndarray()

    return convert


def _require_one_size(path: Path, sizes: Sequence[tuple[int, int]]) -> None:
    """Raises: DataError where frames change their size."""
    different = list(dict.fromkeys(sizes))
    if len(different) > 1:
        first, second = (f"{width}x{height}" for width, height in different[:2])
        raise DataError(
            f"{path}: its frames change their size from {first} to {second}; cut it there, or encode it again"
        )
