"""Suite ``alignment``: how alike are conditioning and decoder latents? Read against a permutation null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.outcomes import Measurement, Outcome, Values
from foresight_harness.measuring.fitting.adapters import on_latent_grid
from foresight_harness.measuring.suites.kept_tokens import for_similarity, pooled
from foresight_harness.parts.metrics.cka import linear_cka, null_p_value, permutation_null
from foresight_harness.parts.metrics.hsic import CKAEstimate
from foresight_harness.parts.metrics.kernels import GaussianCKA, mutual_knn, mutual_knn_null

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

CELLS = 16
"""Cells of each picture that are compared, evenly spread over the latent grid: rows of one picture are far from
independent, so more of them cost time and add little."""
RBF_CELLS = 4
"""Of these, the cells that the Gaussian kernels compare: their cost grows with the square of the rows."""
RBF_ROWS = 1000
FOLDS = 10
NEIGHBOURS = 10
SEED = 0


def protocol(cell: Cell) -> dict[str, Any]:
    """Decoder, cells, estimator."""
    return {
        "decoder": cell.candidate.decoder.base,
        "cells_per_picture": CELLS,
        "estimator": "debiased linear CKA (Song et al. 2012), jackknife over 10 folds of pictures",
        "null": f"{cell.scale.permutations} permutations of pictures",
        "rbf_estimator": "debiased CKA of Gaussian kernels, bandwidth 1 median distance of each side, jackknife over "
        f"{FOLDS} folds of pictures",
        "rbf_rows": f"at most {RBF_ROWS}, {RBF_CELLS} cells a picture",
        "knn": NEIGHBOURS,
        **({} if not cell.candidate.trainable else cell.recipe_for_latents().choices()),
    }


def score(cell: Cell) -> Outcome:
    """Compare the conditioning on the latent grid with the latents of the same test pictures."""
    fitted = cell.fitted_for_latents(0)
    latents = cell.bench.latents.of(cell.candidate.decoder, cell.split("test"))
    size = (latents.shape.frames, latents.shape.rows, latents.shape.cols)
    picked = _evenly(latents.shape.cells)
    x, y, kept_x, kept_y = [], [], [], []
    for grid, latent in zip(fitted.conditioning(cell.streams("test"), str(cell.candidate)), latents, strict=True):
        x.append(_cells(on_latent_grid(grid, size), picked))
        y.append(_cells(latent, picked))
        kept_x.append(pooled(grid))
        kept_y.append(pooled(latent))
    left, right = torch.cat(x), torch.cat(y)
    measurements = (
        _linear(cell, left, right, len(picked)),
        _gaussian(cell, left, right, len(picked)),
        _nearest(cell, left, right, len(picked)),
    )
    tokens = (for_similarity("conditioning", torch.cat(kept_x)), for_similarity("latents", torch.cat(kept_y)))
    return Outcome(measurements, tokens=tokens, params=fitted.params())


def _linear(cell: Cell, left: Tensor, right: Tensor, cells: int) -> Measurement:
    """Debiased linear CKA over all picked cells."""
    found = linear_cka(left, right, torch.arange(len(left)) // cells, folds=FOLDS)
    null = permutation_null(left, right, cell.scale.permutations, _generator(), rows_per_picture=cells)
    return _cka("cka", found, null, len(left) // cells, "debiased linear")


def _gaussian(cell: Cell, left: Tensor, right: Tensor, cells: int) -> Measurement:
    """Debiased CKA of Gaussian kernels over some cells of evenly spread pictures."""
    pictures, some = len(left) // cells, min(RBF_CELLS, cells)
    chosen = torch.linspace(0, pictures - 1, min(pictures, RBF_ROWS // some)).round().long()
    places = (torch.arange(some) * cells) // some
    rows = (chosen[:, None] * cells + places).flatten()
    kernels = GaussianCKA(left[rows], right[rows], rows_per_picture=some)
    null = kernels.null(cell.scale.permutations, _generator())
    return _cka("rbf_cka", kernels.estimate(FOLDS), null, len(chosen), "debiased RBF, bandwidth 1 median distance")


def _cka(metric: str, found: CKAEstimate, null: Tensor, pictures: int, estimator: str) -> Measurement:
    interval = (found.ci_low, found.ci_high) if np.isfinite(found.ci_low) else None
    return Measurement(
        metric,
        unit="ratio",
        direction="higher",
        range=(None, 1.0),
        value=found.value,
        n=found.n,
        interval=interval,
        interval_method="jackknife_t" if interval else None,
        null=_summary(found.value, null),
        details={"estimator": estimator, "rows": found.n, "pictures": pictures},
    )


def _nearest(cell: Cell, left: Tensor, right: Tensor, cells: int) -> Measurement:
    """Shared nearest neighbours of each picture's cells."""
    k = min(NEIGHBOURS, len(left) - 1)
    values: Values = np.asarray(mutual_knn(left, right, k).reshape(-1, cells).mean(1)[None].numpy())
    null = mutual_knn_null(left, right, k, cell.scale.permutations, _generator(), rows_per_picture=cells)
    return Measurement(
        "mutual_knn",
        unit="ratio",
        direction="higher",
        range=(0.0, 1.0),
        values=values,
        floor=NEIGHBOURS / (len(left) - 1),
        floor_by="chance",
        null=_summary(float(values.mean()), null),
        details={"estimator": f"mutual {k} nearest by cosine", "rows": len(left)},
    )


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


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
