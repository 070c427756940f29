"""What features look like without labels: local order, number of directions in use, separation of classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.errors import GridError, UsageError
from foresight_harness.contracts.token_grids import require_finite
from foresight_harness.parts.metrics.guards import require_features


def local_distant_similarity(tokens: Tensor) -> Tensor:
    """Cosine similarity of neighbouring cells less that of distant cells, mean over frames.

    Neighbours share a side; distant cells are at least half of rows plus columns apart, counted along the grid. Tokens
    in random places score about 0, as do equal tokens; smooth features score high.

    Args:
        tokens: [B, T, H, W, C] float

    Returns:
        Values in [-2, 2]; NaN for grids too small to hold distant cells beside neighbours. [B] float64

    Source: Singh et al., arXiv 2512.10794 (LDS), whose near and far radii are free parameters; ours are fixed.
    """
    if tokens.ndim != 5:
        raise GridError(f"a token grid is [B, T, H, W, C], got shape {tuple(tokens.shape)}")
    require_finite(tokens, "local_distant_similarity")
    batch, frames, rows, cols, width = tokens.shape
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(cols)).to(tokens.device)
    apart = (places[:, None] - places[None, :]).abs().sum(dim=2)
    near, far = apart == 1, apart >= max(2.0, (rows + cols) / 2)
    if not (near.any() and far.any()):
        return torch.full((batch,), math.nan, dtype=torch.float64)
    weights = near.float() / near.sum() - far.float() / far.sum()
    flat = tokens.detach().reshape(batch * frames, rows * cols, width)
    values = torch.empty(batch * frames, dtype=torch.float64)
    for index, cells in enumerate(flat):
        unit = F.normalize(cells.float(), dim=1)
        values[index] = float(((unit @ unit.T) * weights).sum(dtype=torch.float64))
    return values.reshape(batch, frames).mean(dim=1)


def effective_rank(features: Tensor) -> float:
    """Number of directions that centred features really use: exp of the entropy of their singular values.

    Args:
        features: [n, d] float, n of 2 or more

    Returns:
        Between 1 and min(n - 1, d); NaN for equal rows. It grows with n, so compare at equal n.

    Source: Roy and Vetterli 2007, "The effective rank", EUSIPCO; the mean row is taken out first.
    """
    rows = require_features(features, "features", least=2).double()
    rows = rows - rows.mean(0)
    gram = rows.T @ rows if rows.shape[1] <= rows.shape[0] else rows @ rows.T
    energy = torch.linalg.eigvalsh(gram)
    # Rounding leaves spurious values of this size, and many of them would count as directions.
    floor = float(energy.max()) * len(gram) * torch.finfo(torch.float64).eps
    singular = energy[energy > max(floor, torch.finfo(torch.float64).tiny)].sqrt()
    if len(singular) == 0:
        return math.nan
    share = singular / singular.sum()
    return float(torch.exp(-(share * share.log()).sum()))


def silhouette(
    features: Tensor, labels: Sequence[str | int], *, generator: torch.Generator, most: int = 2000
) -> Tensor:
    """How much closer each sample is to its own class than to the next one, by Euclidean distance.

    Args:
        features: [n, d] float
        labels: Class of each sample. n
        generator: Draws the samples where there are more than ``most``.
        most: Samples at most: the distances are n x n.

    Returns:
        Values in [-1, 1], NaN for samples that were not drawn; 0 for the only member of a class. [n] float64

    Raises:
        UsageError: unless there are between 2 and n - 1 classes among the samples drawn.

    Source: Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7; scikit-learn's ``silhouette_samples``.
    """
    from sklearn.metrics import silhouette_samples  # takes a second, and pandas with it

    rows = require_features(features, "features", least=3)
    if len(labels) != len(rows):
        raise GridError(f"{len(rows)} rows have {len(labels)} labels")
    chosen = torch.randperm(len(rows), generator=generator)[:most] if len(rows) > most else torch.arange(len(rows))
    names = [labels[index] for index in chosen.tolist()]
    classes = len(set(names))
    if not 2 <= classes < len(names):
        raise UsageError(f"silhouette of {len(names)} samples in {classes} classes: 2 to {len(names) - 1} are needed")
    values = torch.full((len(rows),), math.nan, dtype=torch.float64)
    values[chosen] = torch.as_tensor(silhouette_samples(rows.cpu().numpy()[chosen.numpy()], names)).double()
    return values
