"""Suite ``structure``: what token space looks like without labels or training. Cheap; ranks nothing by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.outcomes import KeptTokens, Measurement, Outcome, Values
from foresight_harness.contracts.pairing import placed
from foresight_harness.measuring.suites.kept_tokens import for_maps
from foresight_harness.parts.metrics.structure import effective_rank, local_distant_similarity, silhouette

if TYPE_CHECKING:
    from foresight_harness.measuring.conditioning import Conditioning
    from foresight_harness.measuring.workshop.cell import Cell

TOKENS = 8
"""Tokens of each picture and slot that are compared across pictures, evenly spread over the grid."""
MOST_ROWS = 2048
"""Rows of the effective rank: it grows with their number, so every candidate gets as many as there are up to this."""
SEED = 0
COVERED = 0.5
"""A token stands for an object's class where the object covers at least this share of its cell."""


def protocol(cell: Cell) -> dict[str, Any]:
    """What is sampled, and the budget of trained modules."""
    return {
        "tokens_per_slot": TOKENS,
        "rank_rows": MOST_ROWS,
        "silhouette": "Euclidean, at most 2000 tokens",
        "class_covered": COVERED,
        "seed": SEED,
        **cell.recipe_for_places().choices(),
    }


def score(cell: Cell) -> Outcome:
    """Per-picture order and separation of the test split's tokens, seed by seed where modules are trained."""
    parts: dict[str, list[Values]] = {}
    tokens: tuple[KeptTokens, ...] = ()
    ranks: list[float] = []
    for seed in cell.seeds:
        fitted = cell.fitted_for_places(seed)
        features = fitted.conditioning(cell.streams("test"), str(cell.candidate))
        for name, values in _per_picture(cell, features).items():
            parts.setdefault(name, []).append(values)
        ranks.append(_rank(features))
        most = cell.workshop.options.map_tokens
        tokens = tokens or for_maps(features, cell.split("test").labels, covered=COVERED, seed=SEED, most=most)
    measurements = [
        Measurement(
            name,
            unit="cosine" if name == "local_distant" else "ratio",
            direction="higher" if name == "local_distant" else "none",
            range=(-2.0, 2.0) if name == "local_distant" else (-1.0, 1.0),
            values=np.stack(rows),
            seeds=cell.seeds,
            gateable=False,
        )
        for name, rows in parts.items()
    ]
    rows = min(MOST_ROWS, len(cell.split("test")) * features.shape.cells)
    measurements.append(
        Measurement(
            "effective_rank",
            unit="directions",
            direction="none",
            range=(1.0, float(features.shape.width)),
            value=float(np.mean(ranks)) if np.isfinite(ranks).all() else None,
            n=rows,
            seeds=cell.seeds,
            gateable=False,
            details={"rows": rows, "width": features.shape.width},
        )
    )
    return Outcome(tuple(measurements), tokens=tokens, params=fitted.params())


def _per_picture(cell: Cell, features: Conditioning) -> dict[str, Values]:
    """One value a picture by name; NaN where it is not defined. [n]"""
    local = np.concatenate([local_distant_similarity(batch).numpy() for batch in features])
    found: dict[str, Values] = {"local_distant": local}
    shape, pictures = features.shape, len(features)
    cells = shape.rows * shape.cols
    picked = (torch.arange(min(TOKENS, cells)) * cells) // min(TOKENS, cells)
    rows = torch.cat([batch.flatten(2, 3)[:, :, picked] for batch in features])
    slots = rows.shape[1]
    flat = rows.flatten(0, 2)
    places = picked.repeat(pictures * slots).tolist()
    owner = torch.arange(pictures).repeat_interleave(slots * len(picked))
    found["silhouette_position"] = _by_picture(flat, places, owner, pictures)
    if slots > 1:
        frames = torch.arange(slots).repeat_interleave(len(picked)).repeat(pictures).tolist()
        found["silhouette_frame"] = _by_picture(flat, frames, owner, pictures)
    tokens, names, owners = _of_objects(cell, features)
    if names:
        found["silhouette_class"] = _by_picture(tokens, names, owners, pictures)
    return found


def _of_objects(cell: Cell, features: Conditioning) -> tuple[Tensor, list[str], Tensor]:
    """The best covered token of each picture of one named object. [m, C], m, [m]"""
    labels = cell.split("test").labels
    coverage = labels.coverage(features.shape.rows, features.shape.cols)[:, -1].flatten(1)
    tokens, names, owners = [], [], []
    for place, batch in placed("silhouette of objects", features, len(labels)):
        for index, sample in enumerate(batch[:, -1].flatten(1, 2), start=place.start):
            named = labels.names[index] if index < len(labels.names) else ()
            best = int(coverage[index].argmax())
            if len(named) == 1 and float(coverage[index, best]) >= COVERED:
                tokens.append(sample[best])
                names.append(named[0])
                owners.append(index)
    return (torch.stack(tokens) if tokens else torch.empty(0, 1)), names, torch.tensor(owners, dtype=torch.long)


def _by_picture(rows: Tensor, labels: Sequence[str | int], owner: Tensor, pictures: int) -> Values:
    """Mean silhouette of each picture's tokens; NaN without any, or where there are too few classes. [n]"""
    values = np.full(pictures, np.nan)
    try:
        found = silhouette(rows, labels, generator=torch.Generator().manual_seed(SEED)).numpy()
    except UsageError:  # one class, or as many classes as tokens: nothing to separate
        return values
    index = owner.numpy()
    defined = ~np.isnan(found)
    counts = np.bincount(index[defined], minlength=pictures)
    sums = np.bincount(index[defined], found[defined], minlength=pictures)
    values[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return values


def _rank(features: Conditioning) -> float:
    """Effective rank of evenly spread tokens of the whole split."""
    rows = torch.cat([batch.flatten(0, 3) for batch in features])
    chosen = torch.linspace(0, len(rows) - 1, min(MOST_ROWS, len(rows))).round().long()
    return effective_rank(rows[chosen])
