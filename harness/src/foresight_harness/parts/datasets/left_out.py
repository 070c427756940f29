"""What a data set did not take of its source, in words."""

from __future__ import annotations

from collections.abc import Mapping

SINGULAR = {
    "objects": "object",
    "boxes": "box",
    "pictures": "picture",
    "crowds": "crowd",
    "clips": "clip",
    "files": "file",
}


def counted(count: int, what: str) -> str:
    """``2, "objects whose box has no area"`` with the number in front; one is ``1 object whose box has no area``."""
    first, blank, rest = what.partition(" ")
    return f"{count} {SINGULAR.get(first, first) if count == 1 else first}{blank}{rest}"


def in_words(left_out: Mapping[str, int]) -> str:
    """All of it, parted by commas; empty where nothing was left out."""
    return ", ".join(counted(count, what) for what, count in left_out.items() if count)
