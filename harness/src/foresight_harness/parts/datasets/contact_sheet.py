"""Pictures of a data set side by side with their boxes, as one picture: what a reader should see before any number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from foresight_harness.contracts.protocols import Sample

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 6
GAP_PX = 6
LINE_PX = 14
"""Height of the line below a picture that holds its id."""
COLOURS = ("#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6")
CROWD = "#a0a0a0"
LONGEST = 24
"""Characters of an id or a class that fit."""


def contact_sheet(samples: Sequence[Sample]) -> Image:
    """Draw samples in rows: the first frame of each, objects in colours by class, crowds in grey.

    Args:
        samples: All on one canvas, at least one.
    """
    from PIL import Image, ImageDraw

    side = samples[0].clip.shape[-1]
    columns = min(COLUMNS, len(samples))
    rows = -(-len(samples) // columns)
    sheet = Image.new("RGB", (columns * (side + GAP_PX) + GAP_PX, rows * (side + GAP_PX + LINE_PX) + GAP_PX), "white")
    pen = ImageDraw.Draw(sheet)
    names = sorted({name for sample in samples for name in sample.labels})
    for place, sample in enumerate(samples):
        left = GAP_PX + place % columns * (side + GAP_PX)
        top = GAP_PX + place // columns * (side + GAP_PX + LINE_PX)
        pixels = (sample.clip[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        sheet.paste(Image.fromarray(pixels), (left, top))

        def outline(box: Sequence[float], colour: str, at: tuple[int, int] = (left, top)) -> None:
            corners = [at[number % 2] + side * value for number, value in enumerate(box)]
            pen.rectangle(corners, outline=colour, width=2)

        for crowd in sample.crowds[0].tolist() if sample.crowds is not None else ():
            outline(crowd, CROWD)
        for number, box in enumerate(sample.boxes[0].tolist()):
            name = sample.labels[number] if sample.labels else ""
            colour = COLOURS[names.index(name) % len(COLOURS) if name else 0]
            outline(box, colour)
            pen.text((left + side * box[0] + 3, top + side * box[1] + 1), printable(name), fill=colour)
        pen.text((left, top + side), printable(sample.id), fill="black")
    return sheet


def printable(text: str) -> str:
    """A text in one short line of characters that every font has."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[-LONGEST:]
