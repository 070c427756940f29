"""Suite ``alignment``: how alike are conditioning and decoder latents? Read against a permutation null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from foresight_harness.fit.adapters import on_latent_grid
from foresight_harness.metrics.cka import linear_cka, null_p_value, permutation_null
from foresight_harness.metrics.kernels import mutual_knn
from foresight_harness.suites.measurement import Measurement, Outcome, Values

if TYPE_CHECKING:
    from foresight_harness.run.cell import Cell

CELLS = 16
"""Cells of each picture that are compared, evenly spread over the latent grid: rows of one picture are far from
independent, so more of them cost time and add little."""
NEIGHBOURS = 10
SEED = 0


def protocol(cell: Cell) -> dict[str, Any]:
    """Decoder, cells, estimator."""
    return {
        "decoder": cell.candidate.decoder.base,
        "cells_per_picture": CELLS,
        "estimator": "debiased linear CKA (Song et al. 2012), jackknife over 10 folds of pictures",
        "null": f"{cell.scale.permutations} permutations of pictures",
        "knn": NEIGHBOURS,
        **({} if not cell.candidate.trainable else cell.recipe_for_latents().choices()),
    }


def score(cell: Cell) -> Outcome:
    """Compare the conditioning on the latent grid with the latents of the same test pictures."""
    fitted = cell.fitted_for_latents(0)
    latents = cell.bench.latents.of(cell.candidate.decoder, cell.split("test"))
    size = (latents.shape.frames, latents.shape.rows, latents.shape.cols)
    picked = _evenly(latents.shape.cells)
    x, y = [], []
    for grid, latent in zip(fitted.conditioning(cell.streams("test"), str(cell.candidate)), latents, strict=True):
        x.append(_cells(on_latent_grid(grid, size), picked))
        y.append(_cells(latent, picked))
    left, right = torch.cat(x), torch.cat(y)
    pictures = torch.arange(len(cell.split("test"))).repeat_interleave(len(picked))
    found = linear_cka(left, right, pictures)
    null = permutation_null(
        left, right, cell.scale.permutations, torch.Generator().manual_seed(SEED), rows_per_picture=len(picked)
    )
    shared: dict[str, Any] = {"unit": "ratio", "direction": "higher", "n": found.n}
    interval = (found.ci_low, found.ci_high) if np.isfinite(found.ci_low) else None
    measurements = (
        Measurement(
            "cka",
            range=(None, 1.0),
            value=found.value,
            interval=interval,
            interval_method="jackknife_t" if interval else None,
            null=_summary(found.value, null),
            details={"estimator": "debiased linear", "rows": found.n, "pictures": len(cell.split("test"))},
            **shared,
        ),
        Measurement(
            "mutual_knn",
            unit="ratio",
            direction="higher",
            range=(0.0, 1.0),
            values=_neighbours(left, right, len(cell.split("test"))),
            floor=NEIGHBOURS / (len(left) - 1),
            floor_by="chance",
        ),
    )
    return Outcome(measurements, params=fitted.params())


def _summary(value: float, null: Tensor) -> dict[str, float] | None:
    """The null in a record; None where one side has no spread, so that there is nothing to compare."""
    if not np.isfinite(value) or not bool(torch.isfinite(null).all()):
        return None
    return {
        "mean": float(null.mean()),
        "p95": float(null.quantile(0.95)),
        "permutations": float(len(null)),
        "p": null_p_value(value, null),
    }


def _evenly(cells: int) -> Tensor:
    """Indices of at most ``CELLS`` cells, evenly spread over the grid in raster order."""
    count = min(CELLS, cells)
    return (torch.arange(count) * cells) // count


def _cells(grid: Tensor, picked: Tensor) -> Tensor:
    """Chosen cells as rows. [b, T, H, W, C] -> [b * picked, C]"""
    flat = grid.flatten(1, 3)
    return flat[:, picked].flatten(0, 1)


def _neighbours(left: Tensor, right: Tensor, pictures: int) -> Values:
    """Mutual nearest neighbours of each picture's cells. [1, n]"""
    shared = mutual_knn(left, right, min(NEIGHBOURS, len(left) - 1))
    return np.asarray(shared.reshape(pictures, -1).mean(1)[None].numpy())
