"""Frames of a video file through torchcodec, or PyAV where that does not work on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.objects import Clip

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
    """Some frames of a clip.

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
    return DataError(f"{path} cannot be read as a clip ({type(error).__name__}: {reason})")


def _torchcodec(path: Path, **options: str) -> Any:
    return import_module(MODULES["torchcodec"]).VideoDecoder(str(path), **options)


def _count_torchcodec(path: Path) -> int:
    return len(_torchcodec(path))


def _read_torchcodec(path: Path, numbers: Sequence[int]) -> list[Any]:
    found = _torchcodec(path, dimension_order="NHWC").get_frames_at(list(numbers))
    return list(found.data.numpy())


def _count_pyav(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise DataError(f"{path} has no picture track")
        return sum(1 for _ in container.decode(video=0))


def _read_pyav(path: Path, numbers: Sequence[int]) -> list[Any]:
    import av

    wanted, found = set(numbers), []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                found.append(frame.to_ndarray(format="rgb24"))
            if number >= numbers[-1]:
                break
    return found
