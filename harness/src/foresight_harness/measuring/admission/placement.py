"""Where in the picture does each token look? The code of repainted squares, searched for in how tokens changed.

Only differences are read (a repainted picture less the plain one), every token is measured against itself over all
pictures, and every picture against itself over all tokens: global attention, which moves all tokens, and tokens that
move more than others leave the answer as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foresight_harness.measuring.admission.painting import CODE, Code

Array = NDArray[np.float64]
Part = tuple[slice, ...]
SOFT = 0.3
"""Mean changes below this share of the average are not divided by."""
MOST = 36
"""Rows and columns that are searched at most."""
FINE = 4
"""Points a token and axis at which the code is read."""
LEAST_QUARTER = 4
"""Rows and columns of a quarter of the grid from which on it is looked at by itself."""


@dataclass(frozen=True)
class View:
    """How tokens might see the picture; the default is how they must."""

    rows_off: float = 0.0
    """Tokens by which what is seen lies below where it is said to be."""
    cols_off: float = 0.0
    zoom: float = 1.0
    """Side of what is seen, in sides of the picture: below 1 the border is cut off."""
    turned: str = ""
    """``swapped``, ``mirrored``, ``upside down`` and turns."""

    @property
    def plain(self) -> bool:
        """Whether it is how they must."""
        return self == View()

    def __str__(self) -> str:
        if self.turned:
            return self.turned
        if self.zoom < 1:
            return f"only the middle {self.zoom:.0%} of the picture"
        if self.zoom > 1:
            return f"the picture with a border around it ({self.zoom:.0%} of its side)"
        parts = [
            f"{abs(off):g} tokens {word}"
            for off, word in (
                (self.rows_off, "below" if self.rows_off > 0 else "above"),
                (self.cols_off, "to the right" if self.cols_off > 0 else "to the left"),
            )
            if off
        ]
        return f"what lies {' and '.join(parts)}" if parts else "its own place"


TURNS = {
    "rows and columns swapped": lambda rows, cols: (cols, rows),
    "the picture mirrored": lambda rows, cols: (rows, 1 - cols),
    "the picture upside down": lambda rows, cols: (1 - rows, cols),
    "the picture turned by 180 degrees": lambda rows, cols: (1 - rows, 1 - cols),
    "the picture turned by 90 degrees": lambda rows, cols: (cols, 1 - rows),
    "the picture turned by 270 degrees": lambda rows, cols: (1 - cols, rows),
    "rows and columns swapped, and turned": lambda rows, cols: (1 - cols, 1 - rows),
}
STEPS = tuple(np.arange(-1.5, 1.51, 0.25))
HALVES = tuple((rows, cols) for rows in (-0.5, 0.0, 0.5) for cols in (-0.5, 0.0, 0.5) if (rows, cols) != (0, 0))
FAR = tuple(range(-9, -1)) + tuple(range(2, 10))
ZOOMS = (
    0.5,
    0.625,
    0.7,
    0.75,
    0.8,
    0.85,
    0.875,
    0.9,
    0.92,
    0.94,
    0.96,
    0.98,
    1.02,
    1.04,
    1.06,
    1.08,
    1.12,
    1.16,
    1.25,
    1.5,
)


def views() -> Iterator[View]:
    """Every way of seeing that is told apart."""
    for rows in STEPS:
        for cols in STEPS:
            yield View(float(rows), float(cols))
    for off in FAR:
        yield View(cols_off=float(off))
        yield View(rows_off=float(off))
    for zoom in ZOOMS:
        yield View(zoom=zoom)
    for turn in TURNS:
        yield View(turned=turn)


VIEWS = tuple(views())


def coverage(code: Code, grid: tuple[int, int], pictures: int, view: View) -> Array:
    """Share of what each token would see that each picture repaints. [pictures, H, W]"""
    rows, cols = grid
    down = (np.arange(rows * FINE) + 0.5) / FINE + view.rows_off
    right = (np.arange(cols * FINE) + 0.5) / FINE + view.cols_off
    places: tuple[Array, Array] = tuple(  # type: ignore[assignment]
        np.meshgrid(0.5 + view.zoom * (down / rows - 0.5), 0.5 + view.zoom * (right / cols - 0.5), indexing="ij")
    )
    if view.turned:
        places = TURNS[view.turned](*places)
    inside = (places[0] >= 0) & (places[0] < 1) & (places[1] >= 0) & (places[1] < 1)
    index = [np.clip((place * CODE).astype(int), 0, CODE - 1) for place in places]
    seen = np.where(inside, code[index[0], index[1]], -1)
    shares = np.stack([seen == picture for picture in range(pictures)]).astype(float)
    found: Array = shares.reshape(pictures, rows, FINE, cols, FINE).mean((2, 4))
    return found


def centred(values: Array) -> Array:
    """Every picture against itself over tokens, every token against itself over pictures. [pictures, H, W]"""
    values = values - values.mean((1, 2), keepdims=True)
    found: Array = values - values.mean(0, keepdims=True)
    return found


def relative(changes: Array) -> Array:
    """Changes in units of their picture's mean, then of each token's own mean over all pictures, so far as it is not
    small: noise of tokens that hardly move is not made large. [pictures, H, W]"""
    changes = changes / np.maximum(changes.mean((1, 2), keepdims=True), 1e-30)
    found: Array = changes / (changes.mean(0, keepdims=True) + SOFT)
    return found


def agreement(one: Array, two: Array) -> float:
    """Correlation of two centred arrays, 0 where one says nothing."""
    scale = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float((one * two).sum()) / scale if scale > 0 else 0.0


@dataclass(frozen=True)
class Placement:
    """How well the code is found where it was painted, and where it is found best."""

    own: float
    """Agreement with the code in its own place."""
    best: float
    view: View
    """The way of seeing that agrees best."""
    cells: int
    """Tokens along the longer side."""
    leaning: float
    """How much better the code is found half a token to one side than to the other, at worst."""
    leans_to: View
    pictures: int
    parts: dict[str, float]
    """Agreement with the code in its own place, by part of the grid: halves, every other row and column."""
    quarters: dict[str, float]
    """The same by quarter; none of a small grid."""
    contrast: float
    """How unevenly tokens move over pictures and places, in units of a token's mean change: near 0 where every square
    moves all tokens alike."""


def placed(changes: Array, code: Code) -> Placement:
    """Find the code in how tokens changed.

    Args:
        changes: How far each token moved in each repainted picture. [pictures, H, W]
        code: Which picture repaints which square. [CODE, CODE]
    """
    changes = _few(changes)
    pictures, rows, cols = changes.shape
    found = centred(relative(changes))
    bank = _bank(code.tobytes(), (rows, cols), pictures)
    length = float(np.sqrt((found**2).sum()))
    scores = bank @ found.ravel() / length if length > 0 else np.zeros(len(bank))
    own = float(scores[VIEWS.index(View())])
    place = int(scores.argmax())
    best = VIEWS[place] if scores[place] > own else View()
    wanted = centred(coverage(code, (rows, cols), pictures, View()))
    gaps = {
        View(*off): float(scores[VIEWS.index(View(*off))] - scores[VIEWS.index(View(-off[0], -off[1]))])
        for off in HALVES
    }
    leans_to = max(gaps, key=lambda view: gaps[view])
    return Placement(
        own=own,
        best=max(own, float(scores[place])),
        view=best,
        cells=max(rows, cols),
        leaning=gaps[leans_to],
        leans_to=leans_to,
        pictures=pictures,
        parts=_by_part(found, wanted, _halves(rows, cols)),
        quarters=_by_part(found, wanted, _quarters(rows, cols)),
        contrast=float(np.sqrt((found**2).mean())),
    )


def _few(changes: Array) -> Array:
    """Averaged over blocks where a grid is finer than the code needs: the search takes time with its tokens."""
    pictures, rows, cols = changes.shape
    step = -(-max(rows, cols) // MOST)
    if step == 1:
        return changes
    kept = changes[:, : rows // step * step, : cols // step * step]
    found: Array = kept.reshape(pictures, rows // step, step, cols // step, step).mean((2, 4))
    return found


@lru_cache(maxsize=4)
def _bank(code: bytes, grid: tuple[int, int], pictures: int) -> Array:
    """What every way of seeing would show, each of length 1. [views, pictures * H * W]"""
    squares = np.frombuffer(code, dtype=np.int64).reshape(CODE, CODE)
    bank = np.stack([centred(coverage(squares, grid, pictures, view)).ravel() for view in VIEWS])
    found: Array = bank / np.maximum(np.sqrt((bank**2).sum(1, keepdims=True)), 1e-12)
    return found


def _by_part(found: Array, wanted: Array, parts: Mapping[str, Part]) -> dict[str, float]:
    """Agreement in parts of the grid: an order that is right in some and wrong in others shows."""
    return {name: agreement(found[part], wanted[part]) for name, part in parts.items() if found[part].size}


def _halves(rows: int, cols: int) -> dict[str, Part]:
    return {
        "even rows": np.s_[:, 0::2],
        "odd rows": np.s_[:, 1::2],
        "even columns": np.s_[:, :, 0::2],
        "odd columns": np.s_[:, :, 1::2],
        "the upper half": np.s_[:, : rows // 2],
        "the lower half": np.s_[:, rows // 2 :],
        "the left half": np.s_[:, :, : cols // 2],
        "the right half": np.s_[:, :, cols // 2 :],
    }


def _quarters(rows: int, cols: int) -> dict[str, Part]:
    if min(rows, cols) // 2 < LEAST_QUARTER:
        return {}
    upper, lower, left, right = (slice(rows // 2), slice(rows // 2, None), slice(cols // 2), slice(cols // 2, None))
    return {
        "the upper left quarter": np.s_[:, upper, left],
        "the upper right quarter": np.s_[:, upper, right],
        "the lower left quarter": np.s_[:, lower, left],
        "the lower right quarter": np.s_[:, lower, right],
    }
