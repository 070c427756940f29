"""How much of a mask comes through ``perceiver`` and ``qformer``, and where is the rest lost?

    python benchmarks/studies/places_through_queries.py [--fit 48x12x3 ...] [--write]

A fit is PICTURESxSTEPSxSEEDS. One object on 16x16 cells; the mask is one of two streams, a constant is the other. Mean
IoU by the primary probe on 96 test pictures: of the mask itself, of the mask averaged to as many cells as there are
queries and enlarged again (what the best of such modules could pass on), of what comes out, and of what latents or
queries hold before the last read (the decoder's, or the set reader's), enlarged likewise.

Fails where less than 0.85 of the mask's own score comes out, in any seed. ``--write`` renews the given fits in
``places_through_queries.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.measuring.extraction.splits import SPLITS, Split
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.parts.metrics.boxes import matched_iou
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import SCALES, DatasetChoice
from foresight_harness.surface.python_calls import opened
from torch import Tensor
from torch.nn import functional as F

FITS = ("48x12x3", "48x60x1", "256x60x1", "256x200x1")
KEPT = 0.85
SIDE = 16
MASK = "oracle@mask/identity/single/linear"
STREAMS = {"mask first": "oracle@mask+constant@patch", "mask second": "constant@patch+oracle@mask"}
LAST = {"perceiver": "thinkers", "qformer": "layers"}
"""Where a fusion keeps the layers whose last makes what is then read out."""
AVERAGED = {"perceiver": (8, 16), "qformer": (8, 8)}
"""Rows and columns of the grid that its latents or queries start as."""
RESULT = Path(__file__).with_suffix(".json")


class Study:
    """Cells of one number of training pictures and steps."""

    def __init__(self, pictures: int, steps: int, place: Path) -> None:
        sizes = replace(SCALES["smoke"], train=pictures, test=96, canvas_px=64, steps=steps, batch=16)
        self.data = DatasetChoice("one_shape")
        places = {"out": place / "runs", "feature_cache": place / "cache"}
        self.keeper = opened(MASK, "spatial", str(self.data), sizes=sizes, **places)
        self.registry = self.keeper.registry

    def cell(self, name: str) -> Cell:
        """One candidate."""
        candidate = resolve(parse_candidate(name), self.registry)
        return Cell(self.keeper.workshop, candidate, self.registry.suite("spatial"), self.data)

    def mask(self) -> dict[Split, Tensor]:
        """The mask on its own grid, by split. [B, H, W, 1] each"""
        cell = self.cell(MASK)
        return {split: made(cell, cell.fitted_for_places(0), split) for split in SPLITS}

    def iou(self, grids: dict[Split, Tensor], seed: int = 0) -> float:
        """Mean IoU of the primary probe, fitted on the train split. ``grids``: [B, H, W, C] by split"""
        cell, reader = self.cell(MASK), self.registry.primary_probe.of_boxes()
        reader.fit(TensorBatches(grids["train"][:, None]), cell.split("train").labels, seed)
        labels = cell.split("test").labels
        counts = labels.object_counts()
        found = reader.predict(TensorBatches(grids["test"][:, None]), counts)
        boxes = [each.boxes[:count] for each, count in zip(found, counts, strict=True)]
        return round(float(matched_iou(boxes, list(labels.boxes)).nanmean()), 3)

    def passed(self, fusion: str, streams: str, seed: int) -> dict[str, float]:
        """IoU of what comes out of a fitted fusion, and of what its latents or queries hold."""
        cell = self.cell(f"{streams}/identity/{fusion}/linear")
        fitted = cell.fitted_for_places(seed)
        last = getattr(fitted.modules.fusion, LAST[fusion])[-1]
        out: dict[Split, Tensor] = {}
        held: dict[Split, Tensor] = {}
        for split in SPLITS:
            seen: list[Tensor] = []
            hook = last.register_forward_hook(lambda _, __, tokens, seen=seen: seen.append(tokens.detach()))
            out[split] = made(cell, fitted, split)
            hook.remove()
            tokens = torch.cat(seen)
            held[split] = enlarged(tokens.reshape(len(tokens), *AVERAGED[fusion], -1))
        return {"comes out": self.iou(out, seed), "is held": self.iou(held, seed)}


def made(cell: Cell, fitted: Fitted, split: Split) -> Tensor:
    """Conditioning of one split. [B, H, W, C]"""
    return torch.cat(list(fitted.conditioning(cell.streams(split), str(cell.candidate))))[:, 0]


def enlarged(grid: Tensor) -> Tensor:
    """Every cell repeated. [B, h, w, C] -> [B, 16, 16, C]"""
    return F.interpolate(grid.permute(0, 3, 1, 2), size=(SIDE, SIDE)).permute(0, 2, 3, 1)


def averaged(grid: Tensor, size: tuple[int, int]) -> Tensor:
    """Averaged to fewer cells, then enlarged. [B, 16, 16, C] -> [B, 16, 16, C]"""
    return enlarged(F.adaptive_avg_pool2d(grid.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1))


def measured(fit: str) -> dict[str, Any]:
    """All rows of one fit."""
    pictures, steps, seeds = (int(part) for part in fit.split("x"))
    with tempfile.TemporaryDirectory() as place:
        study = Study(pictures, steps, Path(place))
        mask = study.mask()
        rows: dict[str, Any] = {"mask": study.iou(mask)}
        for fusion, size in AVERAGED.items():
            rows[f"mask averaged to {size[0]}x{size[1]}"] = study.iou(
                {split: averaged(grid, size) for split, grid in mask.items()}
            )
            for order, streams in STREAMS.items():
                each = [study.passed(fusion, streams, seed) for seed in range(seeds)]
                rows[f"{fusion}, {order}"] = {key: [one[key] for one in each] for key in each[0]}
                print(f"{fit}: {fusion}, {order}: {rows[f'{fusion}, {order}']}", file=sys.stderr, flush=True)
    return rows


def least(rows: dict[str, Any]) -> float:
    """The smallest share of the mask's own score that comes out."""
    out: list[float] = [value for row in rows.values() if isinstance(row, dict) for value in row["comes out"]]
    return min(out) / float(rows["mask"])


def main() -> int:
    """Print the figures; 1 where the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", nargs="+", default=FITS, help="PICTURESxSTEPSxSEEDS")
    parser.add_argument("--write", action="store_true", help=f"renew these fits in {RESULT.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {fit: measured(fit) for fit in options.fit}
    print(json.dumps(found, indent=1))
    for fit, rows in found.items():
        print(f"{'met' if least(rows) >= KEPT else 'NOT MET'}: {fit}: at least {least(rows):.3f} of the mask's score")
    if options.write:
        kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
        RESULT.write_text(json.dumps(kept | found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(least(rows) >= KEPT for rows in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
