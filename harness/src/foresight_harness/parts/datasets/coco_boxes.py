"""Boxes of COCO annotations held against pictures and segmentations, and what a wrong one was probably meant as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.coco_masks import Corners

CUT = "boxes beyond the edge of a picture, cut there"
"""What is said of boxes that leave their picture and were taken."""
SLACK_PX = 1.0
"""How far a box may reach beyond its picture; annotation tools round."""
LEAST_IOU = 0.5
"""Of a box with the bounds of its segmentation; below, one of them is wrong."""
ROUNDING_PX = 2.0
"""Sides of a box and of its segmentation's bounds differ by that much where tools round."""
ROUNDING_SHARE = 0.05
"""The same in sides of the bounds, where boxes are drawn by hand."""
MOST_WRONG = 0.01
"""Share of objects whose box and segmentation may disagree: they are left out. Beyond it the file is refused."""
MOST_LEAVING = 0.25
"""Share of boxes that may leave their picture in a way that another reading explains; beyond it that is meant."""
MOST_LEAVING_AT_ALL = 0.5
"""The same of boxes that leave it in any way. Fewer are cut at the edge and counted."""
EXAMPLES = 1000

Size = tuple[int, int]
"""Width and height of a picture, in pixels."""
Four = Sequence[float]


READINGS: dict[str, Callable[[Four, Size], Corners]] = {
    "[x1, y1, x2, y2]": lambda four, _: (four[0], four[1], four[2], four[3]),
    "[x of the centre, y of the centre, width, height]": lambda four, _: (
        four[0] - four[2] / 2,
        four[1] - four[3] / 2,
        four[0] + four[2] / 2,
        four[1] + four[3] / 2,
    ),
    "[y, x, height, width]": lambda four, _: (four[1], four[0], four[1] + four[3], four[0] + four[2]),
    "[y1, x1, y2, x2]": lambda four, _: (four[1], four[0], four[3], four[2]),
    "fractions of the picture": lambda four, size: (
        four[0] * size[0],
        four[1] * size[1],
        (four[0] + four[2]) * size[0],
        (four[1] + four[3]) * size[1],
    ),
    "fractions of the picture, from the centre": lambda four, size: (
        (four[0] - four[2] / 2) * size[0],
        (four[1] - four[3] / 2) * size[1],
        (four[0] + four[2] / 2) * size[0],
        (four[1] + four[3] / 2) * size[1],
    ),
    "hundredths of the picture": lambda four, size: (
        four[0] * size[0] / 100,
        four[1] * size[1] / 100,
        (four[0] + four[2]) * size[0] / 100,
        (four[1] + four[3]) * size[1] / 100,
    ),
}
"""What else four numbers are written as."""


def beyond(corners: Corners, size: Size) -> float:
    """How many pixels a box reaches beyond its picture; negative where it lies inside."""
    return max(-corners[0], -corners[1], corners[2] - size[0], corners[3] - size[1])


def why_beyond(four: Four, size: Size) -> str:
    """What a box that leaves its picture was probably meant as; empty where nothing fits."""
    for name in ("[x1, y1, x2, y2]",):
        left, top, right, bottom = READINGS[name](four, size)
        if right > left and bottom > top and beyond((left, top, right, bottom), size) <= SLACK_PX:
            return f"; is it {name}?"
    if beyond((four[0], four[1], four[0] + four[2], four[1] + four[3]), (size[1], size[0])) <= SLACK_PX:
        return "; are width and height of the picture exchanged?"
    return ""


def cut(four: Four, size: Size) -> Corners:
    """Corners of a box within its picture; without an area where it lies outside."""
    left, top = max(four[0], 0.0), max(four[1], 0.0)
    return left, top, min(four[0] + four[2], size[0]), min(four[1] + four[3], size[1])


def overlap(first: Corners, second: Corners) -> float:
    """IoU of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = width * height if width > 0 and height > 0 else 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (areas - shared) if areas > shared else 0.0


def apart(first: Corners, second: Corners) -> float:
    """Greatest distance between the same sides of two boxes, in pixels."""
    (left, top, right, bottom), (x, y, beyond_x, beyond_y) = first, second
    return max(abs(left - x), abs(top - y), abs(right - beyond_x), abs(bottom - beyond_y))


@dataclass
class BoxCheck:
    """Boxes of a whole file: do they agree with their segmentations, and are they in pixels?"""

    compared: int = 0
    wrong: int = 0
    """Of them, boxes that cover another place than their segmentation."""
    boxes: int = 0
    in_pixels: int = 0
    """Of them, those that reach beyond the first pixel and are a pixel wide or high."""
    off: int = 0
    """Of those compared, boxes that are further from their segmentation than tools round."""
    placed: int = 0
    leaving: int = 0
    """Of those placed, boxes that reach further beyond their picture than tools round."""
    explained: int = 0
    """Of those that leave it, boxes that another reading of the four numbers keeps inside."""
    _leaves: str = ""
    _worst: str = ""
    _least: float = 1.0
    _off: list[tuple[Four, Corners, Size]] = field(default_factory=list)

    def take(self, four: Four, size: Size) -> None:
        """Count a box."""
        self.boxes += 1
        x, y, width, height = four
        self.in_pixels += max(x + width, y + height) > 1 and (width >= 1 or height >= 1)

    def place(self, four: Four, size: Size, where: object) -> None:
        """Hold a box against its picture."""
        self.placed += 1
        outside = beyond((four[0], four[1], four[0] + four[2], four[1] + four[3]), size)
        if outside <= SLACK_PX:
            return
        self.leaving += 1
        hint = why_beyond(four, size)
        if not self._leaves or (hint and not self.explained):
            picture = "x".join(map(str, size))
            self._leaves = f"{where} has bbox {list(four)}, {outside:g} pixels outside its {picture} picture{hint}"
        self.explained += bool(hint)

    def agrees(self, four: Four, bounds: Corners, size: Size, where: object) -> bool:
        """Whether a box lies where its segmentation does."""
        corners = cut(four, size)
        self.compared += 1
        distance = apart(corners, bounds)
        if distance <= ROUNDING_PX:
            return True
        iou = overlap(corners, bounds)
        if distance > ROUNDING_SHARE * max(bounds[2] - bounds[0], bounds[3] - bounds[1]):
            self.off += 1
            if len(self._off) < EXAMPLES:
                self._off.append((tuple(four), bounds, size))
            if iou < self._least:
                self._least = iou
                self._worst = f"{where} has bbox {list(four)}, which disagrees with its segmentation (IoU {iou:.2f})"
        self.wrong += iou < LEAST_IOU
        return iou >= LEAST_IOU

    def refuse(self, path: str) -> None:
        """Raises: DataError where boxes are no boxes in pixels, with what they probably are."""
        if self.boxes and not self.in_pixels:
            raise DataError(
                f"{path}: all {self.boxes} boxes lie below one pixel; are they fractions of the picture? "
                "bbox is [x, y, width, height] in pixels"
            )
        if self.explained > MOST_LEAVING * self.placed or self.leaving > MOST_LEAVING_AT_ALL * self.placed:
            others = f"; so do {self.leaving - 1} others of {self.placed}" if self.leaving > 1 else ""
            raise DataError(self._leaves + others)
        name, explained = self._likely()
        many = self.wrong > MOST_WRONG * self.compared
        meant = len(self._off) > 2 and 2 * explained > len(self._off)
        all_meant = self.off > MOST_WRONG * self.compared and len(self._off) > 2 and explained > 0.9 * len(self._off)
        if (self.wrong and (many or meant)) or all_meant:
            others = f", as do {self.off - 1} others of {self.compared}" if self.off > 1 else ""
            hint = f"is it {name}?" if 2 * explained >= len(self._off) else "bbox is [x, y, width, height] in pixels"
            raise DataError(f"{self._worst}{others}; {hint}")

    def _likely(self) -> tuple[str, int]:
        """The reading under which most boxes that are off agree, and how many."""
        counts = {
            name: sum(self._close(reading(four, size), bounds) for four, bounds, size in self._off)
            for name, reading in READINGS.items()
        }
        best = max(counts, key=lambda name: counts[name])
        return best, counts[best]

    @staticmethod
    def _close(corners: Corners, bounds: Corners) -> bool:
        side = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
        return apart(corners, bounds) <= max(ROUNDING_PX, ROUNDING_SHARE * side)
