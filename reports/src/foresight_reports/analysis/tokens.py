"""Pictures of token space: points by class, row, column or frame. Distances in them carry no meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports.analysis.files import Analysis, Line, Measured, quantity, said
from foresight_reports.analysis.links import Index
from foresight_reports.records import number

MAPS, POINTS = 12, 600
"""Maps of one page, and points of one map: evenly thinned beyond."""

METHODS = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}

SIZE = 1000
"""Places along each side of a map: more than a screen shows."""


@dataclass(frozen=True)
class TokenMap:
    """One map. ``points`` are ``[x, y, class, row, col, frame]``, x and y from 0 to ``SIZE``."""

    candidate: str
    dataset: str
    method: str
    seed: str
    classes: Sequence[str]
    points: Sequence[Sequence[int | None]]
    total: int
    silhouettes: Mapping[str, Measured]
    anchor: str

    def has(self, place: int) -> bool:
        """Whether points differ in one of their facts: class (2), row, column or frame (5)."""
        return len({point[place] for point in self.points}) > 1

    @property
    def title(self) -> str:
        """The method with what it was applied to."""
        return f"{METHODS.get(self.method, self.method)}: {self.candidate}" + (
            f" on {self.dataset}" if self.dataset else ""
        )

    @property
    def sentence(self) -> str:
        """By what the tokens cluster, as far as a silhouette can say."""
        known = {name: each.value for name, each in self.silhouettes.items() if each.value is not None}
        said_of = ", ".join(f"{name} {value:.2f}" for name, value in known.items())
        text = f"{METHODS.get(self.method, self.method)}, seed {self.seed or 'not recorded'}: "
        text += "distances between clusters carry no meaning."
        if known:
            best = max(known, key=lambda name: known[name] or 0.0)
            verdict = (
                f"Tokens cluster most by {best}" if (known[best] or 0.0) > 0.05 else "Tokens form no clear clusters"
            )
            text = f"{verdict} (silhouette in token space: {said_of}). {text}"
        return text + (
            f" {len(self.points):,} of {self.total:,} tokens are drawn." if self.total > len(self.points) else ""
        )


def token_maps(analysis: Analysis, index: Index, most: int = POINTS) -> tuple[list[TokenMap], int]:
    """The maps that can be drawn, of at most so many points each, and how many maps there are in all."""
    lines = {_key(line): line for line in analysis.rows}
    found = []
    maps = analysis.section("maps")
    for each in maps[:MAPS]:
        points = [point for raw in each.get("points") or () if (point := _point(raw)) is not None]
        if points:
            found.append(_map(each, points, lines, index, most))
    return found, len(maps)


def _key(line: Line) -> tuple[str, ...]:
    return tuple(said(line, key) for key in ("candidate", "dataset", "method"))


def _map(
    each: Mapping[str, Any], points: list[list[Any]], lines: Mapping[tuple[str, ...], Line], index: Index, most: int
) -> TokenMap:
    key = tuple(str(each.get(name) or "") for name in ("candidate", "dataset", "method"))
    line = lines.get(key, {})
    step = max(1, -(-len(points) // most))
    kept = points[::step]
    classes = sorted({str(point[2]) for point in kept if point[2] is not None})
    (x0, x1), (y0, y1) = ((min(p[i] for p in kept), max(p[i] for p in kept)) for i in (0, 1))

    def place(value: float, low: float, high: float) -> int:
        return round(SIZE * (value - low) / (high - low)) if high > low else SIZE // 2

    thinned = [
        [place(p[0], x0, x1), place(p[1], y0, y1), None if p[2] is None else classes.index(str(p[2])), *p[3:6]]
        for p in kept
    ]
    silhouettes = {name: quantity(line, f"silhouette_{name}") for name in ("class", "position", "frame")}
    seed = number(each.get("seed"))
    return TokenMap(
        candidate=key[0],
        dataset=key[1],
        method=key[2],
        seed="" if seed is None else f"{seed:g}",
        classes=classes,
        points=thinned,
        total=len(points),
        silhouettes=silhouettes,
        anchor=index.candidate(key[0]) or "embeddings",
    )


def _point(raw: Any) -> list[Any] | None:
    """``[x, y, class, row, col, frame]`` with whole or absent numbers; None where x or y is none."""
    if not isinstance(raw, list) or len(raw) < 2:
        return None
    x, y = number(raw[0]), number(raw[1])
    if x is None or y is None:
        return None
    rest = [*raw[2:6], None, None, None, None][:4]
    places = [None if (value := number(each)) is None else int(value) for each in rest[1:]]
    return [x, y, rest[0], *places]


def chart(found: TokenMap) -> dict[str, Any]:
    """The points as they are drawn."""
    return {
        "classes": [name[:60] for name in found.classes],
        "points": found.points,
        "name": found.candidate,
        "anchor": found.anchor,
    }
