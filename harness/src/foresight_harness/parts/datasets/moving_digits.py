"""``moving_digits``: scikit-learn's real handwritten digits on the move."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.digits import INK, enlarged, scans, scans_of
from foresight_harness.parts.datasets.made_set import MadeSet, digest
from foresight_harness.parts.datasets.motion import DIRECTIONS, bounced, heading_of, headings
from foresight_harness.parts.datasets.objects import Clip, ClipMask, boxes_of_frames, clip_of_frames

SIZE = (0.25, 0.4)
"""Least and greatest side of the square that a digit is enlarged to, in sides of the picture."""
SPEEDS = (0.03, 0.06)
"""Least and greatest way from frame to frame, in sides of the picture."""


class MovingDigits(MadeSet):
    """One digit a clip, white on black, in one of eight directions; its class is the object's label.

    Samples of one group show the same scan; no scan is in both splits.
    """

    name = "moving_digits"
    generator = "moving_digits/1"
    least_canvas_px = 32
    moves = True

    def __init__(self, request: DataRequest) -> None:
        """Raises: DataError without a count, with a canvas under ``least_canvas_px``, or frames that are not 8k+1."""
        self._scans = scans_of(request.split)
        super().__init__(request, scans=digest(scans()[0]))

    def _sample(self, index: int, id: str) -> Sample:
        clip, masks, number, motion = self._made(index)
        return Sample(
            id=id,
            group=f"digits-scan-{number:04d}",
            clip=clip_of_frames(clip),
            boxes=boxes_of_frames(masks),
            masks=torch.from_numpy(masks),
            labels=(str(scans()[1][number]),),
            motion=motion,
        )

    def _made(self, index: int) -> tuple[Clip, ClipMask, int, dict[str, Any]]:
        random = self._random(index)
        number, direction = int(random.choice(self._scans)), index % DIRECTIONS
        side = max(8, round(self._canvas_px * float(random.uniform(*SIZE))))
        speed = float(random.uniform(*SPEEDS))
        half = np.full(2, side / self._canvas_px / 2)
        room = half + speed * min(4.0, (self._frames - 1) / 2)
        middle = random.uniform(np.minimum(room, 0.5), np.maximum(1 - room, 0.5))
        times = np.arange(self._frames) - (self._frames - 1) / 2
        centres, turns = bounced(middle + times[:, None] * speed * heading_of(direction), half)
        glyph = enlarged(scans()[0][number], side)
        ink = np.zeros((self._frames, self._canvas_px, self._canvas_px), dtype=np.float32)
        corners = np.rint((centres - half) * self._canvas_px).astype(int)
        for frame, (left, top) in enumerate(np.clip(corners, 0, self._canvas_px - side)):
            ink[frame, top : top + side, left : left + side] = glyph
        clip = np.repeat(np.rint(255 * ink).astype(np.uint8)[..., None], 3, axis=3)
        motion = {
            "direction": direction,
            "directions": headings(direction, turns),
            "speed": speed,
            "frames": tuple(range(self._frames)),
        }
        return clip, np.asarray(ink >= INK)[:, None], number, motion
