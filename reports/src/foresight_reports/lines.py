"""Small figures with axes inside a candidate's details: fits, distances frame by frame, places found. No scripts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from foresight_reports import metrics
from foresight_reports.records import number

LEFT, RIGHT, TOP, BOTTOM = 46, 312, 8, 132
"""Sides of the drawing, on a canvas of 320 by 166."""
MOST = 60
"""Points of one line, and faint lines of one figure."""
DOTS = 100

Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Lines:
    """One figure. Paths are on its canvas, so that the page's policy against inline styles holds."""

    name: str
    sentence: str
    """What it shows, for who does not see it."""
    x: str
    y: str
    ticks_x: Sequence[tuple[float, str]]
    ticks_y: Sequence[tuple[float, str]]
    paths: Sequence[tuple[str, str]]
    """Class and path: ``main``, ``second``, ``faint``, ``rule``, ``dots``, ``dots second``."""
    key: Sequence[tuple[str, str]] = field(default=())
    """Class and words of each kind of line."""


def fit_figure(name: str, fit: Mapping[str, Any]) -> Lines | None:
    """Loss over steps, and where some pictures were held out, their loss."""
    losses = _numbers(fit.get("loss"))
    if len(losses) < 3:
        return None
    steps = max(0.0, number(fit.get("steps")) or 0.0) or float(len(losses))
    looks = fit.get("held_out")
    # A point is the mean of as many steps as every other: it stands in their middle.
    curve = [(steps * (place + 0.5) / len(losses), loss) for place, loss in enumerate(losses)]
    held = [
        (step, loss)
        for pair in (looks if isinstance(looks, list) else ())
        if isinstance(pair, list) and len(pair) == 2
        for step, loss in [(number(pair[0]), number(pair[1]))]
        if step is not None and loss is not None
    ]
    constant = number(fit.get("loss_constant"))
    frame = _Frame.around([*curve, *held], low_x=0.0, high_x=steps)
    paths, key = [("main", frame.line(curve))], [("main", "loss of the fitted pictures")]
    if held:
        paths, key = [*paths, ("second", frame.line(held))], [*key, ("second", "of held-out pictures")]
    if constant is not None and frame.low_y <= constant <= frame.high_y:
        paths, key = [("rule", frame.level(constant)), *paths], [*key, ("rule", "best constant answer")]
    said = f"loss over {steps:,.0f} steps, from {metrics.write(losses[0])} to {metrics.write(losses[-1])}"
    return frame.figure(name, said, "optimiser step", "loss", paths, key)


def frame_figure(name: str, rows: object, best: object) -> Lines | None:
    """A distance in each frame: every sample faint, their mean, and the decoder's own round trip."""
    samples, trips = _table(rows), _table(best)
    if not samples or len(samples[0]) < 2:
        return None
    means, bounds = _means(samples), _means(trips)
    known = [value for line in [*samples, bounds] for value in line if math.isfinite(value)]
    if not known:
        return None
    frame = _Frame.around([(0.0, value) for value in known], low_x=0.0, high_x=float(len(means) - 1))
    faint = " ".join(filter(None, (frame.line(list(enumerate(line))) for line in samples[:MOST])))
    paths, key = [("faint", faint), ("main", frame.line(list(enumerate(means))))], [("main", "mean")]
    key.append(
        ("faint", f"each of {len(samples)} clips" if len(samples) <= MOST else f"{MOST} of {len(samples)} clips")
    )
    if bounds:
        paths.append(("second", frame.line(list(enumerate(bounds)))))
        key.append(("second", "the decoder's own round trip"))
    said = f"{name} in {len(means)} frames, on average from {metrics.write(means[0])} to {metrics.write(means[-1])}"
    whole = [(float(tick), str(tick)) for tick in _whole(len(means) - 1)]
    return frame.figure(name, said, "frame", "distance, lower is better", paths, key, whole)


def place_figure(name: str, rows: object) -> Lines | None:
    """Where objects were found over where they were, across and down; on the line they are found."""
    table = [row for row in _table(rows) if len(row) == 4 and all(map(math.isfinite, row))][:DOTS]
    if len(table) < 3:
        return None
    frame = _Frame(0.0, 1.0, 0.0, 1.0)
    across, down = ([(row[at], row[at + 2]) for row in table] for at in (0, 1))
    paths = [("rule", frame.line([(0.0, 0.0), (1.0, 1.0)])), ("dots", frame.dots(across))]
    paths.append(("dots second", frame.dots(down)))
    key = [("dots", "from the left"), ("dots second", "from the top"), ("rule", "found where they are")]
    said = f"places of {len(table)} objects, found over true"
    return frame.figure(name, said, "true centre (sides of the picture)", "found", paths, key)


@dataclass(frozen=True)
class _Frame:
    """From numbers to places on the canvas."""

    low_x: float
    high_x: float
    low_y: float
    high_y: float

    @classmethod
    def around(cls, points: Pairs, low_x: float, high_x: float) -> _Frame:
        values = [y for _, y in points]
        low, high = min(values), max(values)
        low = 0.0 if 0 <= low < 0.4 * high else low
        margin = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
        return cls(low_x, high_x or 1.0, low - margin * (low != 0), high + margin)

    def at(self, x: float, y: float) -> tuple[int, int]:
        across, down = (x - self.low_x) / (self.high_x - self.low_x), (y - self.low_y) / (self.high_y - self.low_y)
        return round(LEFT + (RIGHT - LEFT) * across), round(BOTTOM - (BOTTOM - TOP) * down)

    def line(self, points: Sequence[tuple[float, float]]) -> str:
        """A path through points, in whole steps from point to point; what is no number parts it."""
        step = -(-len(points) // MOST)
        kept = [point for point in points[::step] if math.isfinite(point[1])]
        if len(kept) < 2:
            return ""
        places = [self.at(*point) for point in kept]
        steps = (f"{x - left} {y - top}" for (left, top), (x, y) in pairwise(places))
        return f"M{places[0][0]} {places[0][1]}l{' '.join(steps)}"

    def dots(self, points: Pairs) -> str:
        return "".join(f"M{x} {y}h0" for x, y in (self.at(*point) for point in points))

    def level(self, y: float) -> str:
        return f"M{LEFT} {self.at(self.low_x, y)[1]}H{RIGHT}"

    def figure(
        self,
        name: str,
        sentence: str,
        x: str,
        y: str,
        paths: Sequence[tuple[str, str]],
        key: Sequence[tuple[str, str]],
        ticks: Sequence[tuple[float, str]] | None = None,
    ) -> Lines:
        """The figure with its ticks."""
        along = ticks or [(tick, f"{tick:,g}") for tick in _round(self.low_x, self.high_x)]
        ticks_x = [(self.at(value, self.low_y)[0], word) for value, word in along]
        up = [(tick, f"{tick:,g}") for tick in _round(self.low_y, self.high_y)]
        ticks_y = [(self.at(self.low_x, value)[1], word) for value, word in up]
        return Lines(name, sentence, x, y, ticks_x, ticks_y, [path for path in paths if path[1]], key)


def _round(low: float, high: float) -> list[float]:
    """Three to six round numbers between two ends."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.75)
    first = math.ceil(low / step - 1e-9)
    return [round(step * each, 12) + 0.0 for each in range(first, math.floor(high / step + 1e-9) + 1)]


def _whole(last: int) -> list[int]:
    """At most ten whole numbers from 0 to the last."""
    step = max(1, -(-last // 9))
    return list(range(0, last + 1, step))


def _numbers(value: object) -> list[float]:
    found = [number(each) for each in value] if isinstance(value, list) else []
    return [] if None in found else [each for each in found if each is not None]


def _table(value: object) -> list[list[float]]:
    """Rows of one length; what is no number in them is NaN."""
    rows = value if isinstance(value, list) else []
    table = [
        [math.nan if (found := number(each)) is None else found for each in row]
        for row in rows
        if isinstance(row, list)
    ]
    return [row for row in table if len(row) == len(table[0])] if table else []


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    """Of each column over what is known of it."""
    found = []
    for column in zip(*rows, strict=True):
        known = [value for value in column if math.isfinite(value)]
        found.append(sum(known) / len(known) if known else math.nan)
    return found
