"""Which tokens a cell keeps in the run folder: for similarity of candidates, and for maps of token space."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.batches import GridBatches, Labels
from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.outcomes import KeptTokens
from foresight_harness.contracts.pairing import placed, require_same_samples
from foresight_harness.planning.options.declared import MAP_TOKENS

PICTURES = 48
"""Pictures kept for similarity: the first of the test split, the same ones for every candidate."""
SIDE = 4
"""Rows and columns that every grid is averaged to, so that grids of all sizes can be compared."""
CELLS = ((0, 1), (1, 3), (2, 0), (3, 2))
"""Cells that are kept of it, one in each row and column."""
EXACT = 1000
"""Tokens up to which t-SNE is exact; of more it is Barnes and Hut's, which takes minutes where that takes hours."""
DIRECTIONS = 32
"""Principal directions that are kept of them."""
PERPLEXITY = 30.0
CONSTANT = 1e-6
"""Rows that differ by less than this share of their size are equal: what varies is the rounding of float32."""


def pooled(grid: Tensor) -> Tensor:
    """Some cells of every grid averaged to ``SIDE`` x ``SIDE``, mean over frames. [b, T, H, W, C] -> [b, cells, C]"""
    small = F.adaptive_avg_pool2d(grid.float().mean(1).permute(0, 3, 1, 2), SIDE)
    return torch.stack([small[:, :, row, col] for row, col in CELLS], dim=1)


def for_similarity(part: str, cells: Tensor) -> KeptTokens:
    """The first pictures' cells, turned into at most as many directions as rows: inner products stay what they are.

    Args:
        part: Name of the part.
        cells: From ``pooled``, in order of the test split. [B, cells, C]
    """
    kept = cells[:PICTURES]
    features = principal(kept.flatten(0, 1), kept.shape[0] * kept.shape[1])
    pictures = np.arange(len(kept)).repeat(len(CELLS)).tolist()
    return KeptTokens(part, features, pictures, [(0, row, col) for row, col in CELLS] * len(kept))


def for_maps(
    features: GridBatches, labels: Labels, *, covered: float, seed: int, most: int = MAP_TOKENS
) -> tuple[KeptTokens, ...]:
    """Tokens on objects and beside them, their principal directions, and maps of them by every method that is there.

    Maps are made here and not when a conclusion is drawn: t-SNE repeats to the last digit on one machine only, and what
    is stored can be verified anywhere.

    Args:
        features: Conditioning grids of the test split.
        labels: Of the same split.
        covered: Share of its cell from which an object gives a token its class.
        seed: Of the maps.
        most: Tokens of a map; half of them lie on objects, where there are as many.

    Raises:
        GridError: where features and labels are not of the same samples.
    """
    require_same_samples("maps of tokens", features, labels)
    shape = features.shape
    coverage = labels.coverage(shape.rows, shape.cols)[:, -1].numpy()
    places = _chosen(len(features), shape.frames, coverage, covered, most)
    rows = []
    by_picture: dict[int, list[tuple[int, int, int]]] = {}
    for picture, *place in places:
        by_picture.setdefault(picture, []).append((place[0], place[1], place[2]))
    for span, batch in placed("maps of tokens", features, len(labels)):
        for picture, grid in enumerate(batch, start=span.start):
            rows += [grid[place] for place in by_picture.get(picture, ())]
    tokens = principal(torch.stack(rows), DIRECTIONS)
    where = [(frame, row, col) for _, frame, row, col in places]
    pictures = [picture for picture, *_ in places]
    classes = [_class(labels, picture, coverage[picture, row, col], covered) for picture, _, row, col in places]
    found = {"tokens": tokens}
    if tokens.shape[1] > 1:  # along one direction there is nothing to map
        found["tsne"] = tsne(tokens, seed)
        if find_spec("umap") is not None:
            found["umap"] = umap(tokens, seed)
    return tuple(KeptTokens(part, values, pictures, where, classes) for part, values in found.items())


def principal(rows: Tensor, most: int) -> NDArray[np.float32]:
    """Centred rows along their principal directions, at most ``most`` of them; lossless from n - 1 on. [n, d']"""
    centred = in_double(rows) - in_double(rows).mean(0)
    if float(centred.abs().max()) <= CONSTANT * float(rows.abs().max()):
        return np.zeros((len(rows), 1), dtype=np.float32)
    if centred.shape[1] <= centred.shape[0]:
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        turned = centred @ vectors.flip(1)
    else:
        values, vectors = torch.linalg.eigh(centred @ centred.T)
        turned = (vectors * values.clamp(min=0).sqrt()).flip(1)
    return np.asarray(turned[:, :most].float().numpy())


def tsne(tokens: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """t-SNE of scikit-learn, started from the principal directions; exact up to ``EXACT`` tokens. [n, d] -> [n, 2]"""
    from sklearn.manifold import TSNE  # takes a second, and pandas with it: most sessions make no map

    perplexity = min(PERPLEXITY, (len(tokens) - 1) / 3)
    method = "exact" if len(tokens) <= EXACT else "barnes_hut"
    made = TSNE(2, perplexity=perplexity, init=_start(tokens, 1e-4), method=method, random_state=seed)
    return np.asarray(made.fit_transform(tokens), dtype=np.float32)


def umap(tokens: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """UMAP of umap-learn, started from the principal directions: its own start can fail on tokens in islands.

    [n, d] -> [n, 2]
    """
    from umap import UMAP

    found = UMAP(n_components=2, init=_start(tokens, 3.0), random_state=seed, n_jobs=1).fit_transform(tokens)
    return np.asarray(found, dtype=np.float32)


def _start(tokens: NDArray[np.float32], spread: float) -> NDArray[np.float32]:
    """First two principal directions, the first at that spread. [n, 2]"""
    return np.asarray(tokens[:, :2] / float(tokens[:, 0].std()) * spread, dtype=np.float32)


def _chosen(
    pictures: int, frames: int, coverage: NDArray[np.float32], covered: float, most: int
) -> list[tuple[int, ...]]:
    """Picture, frame, row and column of the tokens of a map, in order."""
    on_object = np.argwhere(coverage >= covered)
    half = on_object[_spread(len(on_object), most // 2)]
    chosen = {(int(picture), frames - 1, int(row), int(col)) for picture, row, col in half}
    shape = (pictures, frames, *coverage.shape[1:])
    every = _spread(int(np.prod(shape)), most - len(chosen))
    rest = zip(*(axis.tolist() for axis in np.unravel_index(every, shape)), strict=True)
    return sorted(chosen | set(rest))


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``count`` places, evenly spread with a fixed jitter. int64"""
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, most + 1)
    jitter = np.random.default_rng(0).random(most)
    return np.floor(edges[:-1] + jitter * (edges[1:] - edges[:-1])).astype(np.int64)


def _class(labels: Labels, picture: int, coverage: float, covered: float) -> str | None:
    """Name of the object below a token, ``background``, or None at edges and where several objects are."""
    if coverage == 0:
        return "background"
    named = labels.names[picture] if picture < len(labels.names) else ()
    return named[0] if coverage >= covered and len(named) == 1 else None
