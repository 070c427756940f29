"""From maps of object coverage to boxes: the reading that all per-token probes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from foresight_harness.contracts.probes import Detections
from foresight_harness.parts.closed_form import RidgeFit, RidgeSums, ridge_dual
from foresight_harness.parts.probes.boxes import Floats, Ints
from foresight_harness.parts.probes.components import Components, components, edge_profiles, ranked
from foresight_harness.parts.probes.matching import LEAST_OVERLAP, matches, padded_boxes, padded_matched_iou

LEVELS = (0.2, 0.35, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)
"""Thresholds tried: 0 is the map's mean over empty cells, 1 its mean over covered ones. Levels above 1 serve weak
features, whose maps are mostly noise."""

REACH = 1.5
"""Cells that an edge may move from the border of its component."""

LEAST_SIDE = 0.25
"""Least side of a box, in cells."""


class Reading(NamedTuple):
    """How maps become boxes, as chosen on the train split."""

    threshold: float
    edges: RidgeFit | None
    """From products of edge profiles to the edge's offset; None keeps the cells' borders."""


class MapReader:
    """Threshold, connected components, and edges placed below one cell by a ridge on the map's profile across the edge.

    The threshold is the one with the greatest matched IoU on the train split; "no component at all", which answers with
    the constant box, is one of the choices, so that uninformative maps score the floor instead of less.
    """

    def __init__(self, constant_box: Floats) -> None:
        self._constant_box = constant_box
        self._empty, self._scale = 0.0, 1.0
        self._reading = Reading(np.inf, None)

    @staticmethod
    def choices() -> dict[str, object]:
        """What decides how a map is read."""
        return {
            "reader": "components/1",
            "levels": list(LEVELS),
            "reach_cells": REACH,
            "least_overlap": LEAST_OVERLAP,
            "least_side_cells": LEAST_SIDE,
            "connectivity": 8,
            "edges": "degree-2 ridge on profiles",
            "score": "mass above threshold",
            "fill": "constant box at score 0",
        }

    def fit(self, maps: Floats, coverage: Floats, boxes: Sequence[Floats]) -> float:
        """Choose threshold and edges on the train split.

        Args:
            maps: Predicted coverage. [B, H, W]
            coverage: True coverage. [B, H, W]
            boxes: True boxes. B x [N_i, 4]

        Returns:
            Matched IoU on the train split.
        """
        empty, full = coverage <= 0, coverage.sum()
        self._empty = float(maps[empty].mean()) if empty.any() else 0.0
        rise = float((maps * coverage).sum() / full) - self._empty if full > 0 else 0.0
        counts = np.array([len(box) for box in boxes], dtype=np.int64)
        padded = padded_boxes(boxes)
        best = padded_matched_iou(np.where((padded > 0).any(-1, keepdims=True), self._constant_box, 0), padded, counts)
        self._reading = Reading(np.inf, None)
        if rise <= 0:
            return best
        self._scale = rise
        for level in LEVELS:
            threshold = self._empty + level * rise
            found = ranked(components(maps, threshold))
            edges = self._fit_edges(maps, found, padded)
            score = padded_matched_iou(self._first(maps, found, edges, counts), padded, counts)
            if score > best:
                best, self._reading = score, Reading(threshold, edges)
        return best

    @property
    def threshold(self) -> float | None:
        """The chosen threshold; None where no component at all was the best choice."""
        return float(self._reading.threshold) if np.isfinite(self._reading.threshold) else None

    def read(self, maps: Floats, counts: Sequence[int]) -> list[Detections]:
        """Boxes of each map, best first, filled with the constant box up to ``counts``. [B, H, W]"""
        found = ranked(components(maps, self._reading.threshold))
        placed = torch.from_numpy(self._boxes(maps, found, self._reading.edges)).float()
        scores = torch.from_numpy(found.score).float()
        filler = torch.from_numpy(self._constant_box).float()
        ends = np.searchsorted(found.picture, np.arange(len(maps) + 1)).tolist()
        results = []
        for start, end, count in zip(ends[:-1], ends[1:], counts, strict=True):
            missing = max(count - (end - start), 0)
            boxes = torch.cat([placed[start:end], filler.expand(missing, 4)])
            results.append(Detections(boxes, torch.cat([scores[start:end], scores.new_zeros(missing)])))
        return results

    def _first(self, maps: Floats, found: Components, edges: RidgeFit | None, counts: Ints) -> Floats:
        """As many boxes of each map as it has objects, best first, filled with the constant box. [B, most, 4]"""
        most = int(counts.max(initial=0))
        rank = np.arange(len(found.picture)) - np.searchsorted(found.picture, found.picture)
        first = rank < counts[found.picture]
        boxes = np.zeros((len(maps), most, 4))
        boxes[np.arange(most) < counts[:, None]] = self._constant_box
        boxes[found.picture[first], rank[first]] = self._boxes(maps, found.select(first), edges)
        return boxes

    def _boxes(self, maps: Floats, found: Components, edges: RidgeFit | None) -> Floats:
        rows, cols = maps.shape[1:]
        boxes = found.boxes(rows, cols)
        if edges is None or len(boxes) == 0:
            return boxes
        cell = np.array([1 / cols, 1 / rows])
        seen = torch.from_numpy(self._described(maps, found))
        offsets = np.clip(edges.predict(seen).double().numpy()[..., 0], -REACH, REACH)
        low, high = boxes[:, :2] + offsets[:, :2] * cell, boxes[:, 2:] - offsets[:, 2:] * cell
        middle, half = (low + high) / 2, np.maximum(high - low, LEAST_SIDE * cell) / 2
        return np.asarray(np.clip(np.concatenate([middle - half, middle + half], axis=1), 0, 1))

    def _fit_edges(self, maps: Floats, found: Components, true: Floats) -> RidgeFit | None:
        rows, cols = maps.shape[1:]
        placed = found.boxes(rows, cols)
        index, target = matches(placed, found.picture, true)
        if len(index) < 2:
            return None
        offsets = (target - placed[index]) * np.array([cols, rows, -cols, -rows])
        x = torch.from_numpy(self._described(maps, found.select(index))).flatten(0, 1)
        y = torch.from_numpy(np.clip(offsets, -REACH, REACH)).reshape(-1, 1)
        if len(x) <= x.shape[1]:
            return ridge_dual(x, y)
        sums = RidgeSums(x.shape[1], 1)
        sums.update(x, y)
        return sums.solve()

    def _described(self, maps: Floats, found: Components) -> Floats:
        """Edge profiles in units of the map's rise, with their products. [n, 4, d]"""
        profiles = edge_profiles((maps - self._empty) / self._scale, found, 0.0)
        first, second = np.triu_indices(profiles.shape[-1])
        return np.concatenate([profiles, profiles[..., first] * profiles[..., second]], axis=-1)
