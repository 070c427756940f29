"""``video:DIR`` and ``davis:DIR``: a folder of the user's own clips."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import checked_index, fingerprint, positive, stream
from foresight_harness.parts.datasets.motion import clip_frames
from foresight_harness.parts.datasets.objects import ClipMask, boxes_of_frames, no_boxes
from foresight_harness.parts.datasets.pictures import on_canvas, read_picture
from foresight_harness.parts.datasets.video_layouts import Entry, find_clips, split_of
from foresight_harness.parts.datasets.video_reading import backend, frame_count, read_frames

READER = "video/1"
"""Raised whenever the same folder gives other samples."""
UPRIGHT = 2
"""Raised whenever a video file gives other frames; 2: turned and widened as its container says."""
LONGEST_STRIDE = 4
"""Frames of a clip lie at most that many source frames apart, fewer where the source is short."""
LEAST_CANVAS_PX = 16
VOID = 255
"""Index of DAVIS's pixels that belong to nothing."""


class VideoFolder:
    """Clips of one split, frames squashed to the square canvas.

    Of each source some frames at one stride are shown, from a start that follows from seed and id; ``motion["frames"]``
    says which. With masks, objects that are visible in every frame shown are kept.
    """

    def __init__(self, name: str, layout: str, entries: tuple[Entry, ...], request: DataRequest) -> None:
        self.name = name
        self.split: str = request.split
        self._entries = entries
        self._seed = request.seed
        self._frames = clip_frames(name, request)
        self._canvas_px = positive(name, "canvas_px", request.canvas_px, LEAST_CANVAS_PX)
        self._max_pixels = request.max_pixels
        self.fingerprint = fingerprint(
            reader=READER,
            decoder=f"{backend()}/{UPRIGHT}" if any(len(entry.files) == 1 for entry in entries) else "pictures",
            layout=layout,
            split=self.split,
            canvas_px=self._canvas_px,
            frames=self._frames,
            sampling={"longest_stride": LONGEST_STRIDE, "seed": self._seed, "start": "by seed and id"},
            clips=[[entry.id, _sha256(entry.files + entry.masks), entry.action, entry.direction] for entry in entries],
        )

    @classmethod
    def open(cls, name: str, request: DataRequest) -> VideoFolder:
        """Find the clips of ``request.path`` and choose those of the split, by a hash of seed and id.

        Raises:
            DataError: if the folder is absent, empty or of an unknown layout, or no clip is of the split.
        """
        if request.path is None:
            raise DataError(f"data set {name} needs a folder: --dataset {name}:DIR")
        layout, found = find_clips(Path(request.path))
        if name == "davis" and not (layout == "davis" and all(entry.masks for entry in found)):
            raise DataError(f"{request.path} is no DAVIS folder with masks (JPEGImages/480p, Annotations/480p)")
        chosen = [entry for entry in found if split_of(entry) == request.split]
        if not chosen:
            raise DataError(f"{request.path}: all {len(found)} clips fall into the other split than {request.split}")
        if request.count is not None and positive(name, "count", request.count) < len(chosen):
            chosen.sort(key=lambda entry: hashlib.sha256(f"{request.seed}:{entry.id}".encode()).digest())
            chosen = chosen[: request.count]
        return cls(name, layout, tuple(chosen), request)

    def counts(self) -> dict[str, Any]:
        """Clips and, where the folder says them, actions; nothing is decoded. JSON types"""
        actions = Counter(entry.action for entry in self._entries if entry.action)
        return {"pictures": len(self), "objects": 0, "crowds": 0, "classes": dict(actions.most_common())}

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Sample:
        entry = self._entries[checked_index(index, len(self), self.name)]
        total = frame_count(entry.files[0]) if len(entry.files) == 1 else len(entry.files)
        numbers = sampled(total, self._frames, self._seed, entry)
        clip = torch.cat([on_canvas(frame, self._canvas_px) for frame in self._shown(entry, numbers)])
        masks = self._masks(entry, numbers) if self.name == "davis" else None
        motion: dict[str, Any] = {"frames": tuple(numbers)}
        motion |= {} if entry.action is None else {"action": entry.action}
        motion |= {} if entry.direction is None else {"direction": entry.direction}
        return Sample(
            id=entry.id,
            group=entry.group,
            clip=clip,
            boxes=no_boxes(self._frames) if masks is None else boxes_of_frames(masks),
            masks=None if masks is None else torch.from_numpy(masks),
            motion=motion,
        )

    def _shown(self, entry: Entry, numbers: list[int]) -> list[npt.NDArray[np.float32]]:
        """Frames of one size. Each [H_px, W_px, 3] in [0, 1]"""
        if len(entry.files) == 1:
            return [frame.astype(np.float32) / np.float32(255) for frame in read_frames(entry.files[0], numbers)]
        found = [read_picture(entry.files[number], max_pixels=self._max_pixels) for number in numbers]
        sizes = sorted({f"{frame.shape[1]}x{frame.shape[0]}" for frame in found})
        if len(sizes) > 1:
            raise DataError(
                f"{entry.files[0].parent}: frames of {len(sizes)} sizes ({', '.join(sizes)}); a clip has one"
            )
        return found

    def _masks(self, entry: Entry, numbers: list[int]) -> ClipMask:
        """Masks of the objects that every frame shows. [T, N, H_px, W_px]"""
        from PIL import Image

        size = (self._canvas_px, self._canvas_px)
        planes = []
        for number in numbers:
            try:
                with Image.open(entry.masks[number]) as opened:
                    planes.append(np.asarray(opened.resize(size, Image.Resampling.NEAREST)))
            except (OSError, SyntaxError, ValueError) as error:
                raise DataError(f"{entry.masks[number]} cannot be read as a mask ({type(error).__name__})") from error
        indices = np.stack(planes)
        if indices.ndim != 3:
            raise DataError(f"{entry.masks[0]} is no indexed picture, as DAVIS's masks are")
        shown = set.intersection(*(set(np.unique(plane).tolist()) for plane in indices)) - {0, VOID}
        if not shown:
            raise DataError(f"{entry.masks[0].parent}: no object is visible in all of frames {numbers}")
        return np.stack([indices == value for value in sorted(shown)], axis=1)


def sampled(total: int, frames: int, seed: int, entry: Entry) -> list[int]:
    """Which frames of a source are shown. Raises: DataError where it is too short."""
    if total < frames:
        raise DataError(f"{entry.files[0]} has {total} frames and {frames} are wanted; leave it out")
    stride = min(LONGEST_STRIDE, (total - 1) // max(1, frames - 1)) if frames > 1 else 1
    span = stride * (frames - 1) + 1
    start = int(stream(READER, seed, entry.id).integers(total - span + 1))
    return [start + stride * number for number in range(frames)]


def _sha256(paths: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
