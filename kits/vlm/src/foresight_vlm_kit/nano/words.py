"""The fixed tokenizer of nano VLMs, as data: one word, one id. No torch."""

from __future__ import annotations

from foresight_harness.parts.datasets.shape_drawing import COLOURS, KINDS

BINS = 16
"""Columns and rows that coordinates are told in."""
END = 2
"""Ends a caption."""
PADDING = -100
"""No word: what cross entropy leaves out."""
FIRST = 16
"""Ids below it are left to the model."""

NAMES = (
    *(f"colour:{name}" for name in COLOURS),
    *(f"kind:{name}" for name in KINDS),
    *(f"column:{number}" for number in range(BINS)),
    *(f"row:{number}" for number in range(BINS)),
)
IDS = {"end": END} | {name: FIRST + place for place, name in enumerate(NAMES)}
"""Word to id: what ``vocabulary.json`` beside weights holds."""

SAME_OUTLINE = {"circle": "disc"}
"""Names of ``kinds`` for what ``shapes`` has another name for."""


def kind_word(kind: str) -> int:
    """Id of a kind of object, whichever data set names it."""
    return IDS[f"kind:{SAME_OUTLINE.get(kind, kind)}"]


def colour_word(colour: str) -> int:
    """Id of a colour of ``shapes``."""
    return IDS[f"colour:{colour}"]


COLUMN, ROW = IDS["column:0"], IDS["row:0"]
"""Ids of the first column and of the first row; the others follow."""
