"""How far two sets of features lie apart as Gaussians: one number of a whole set, none of a sample."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.errors import DataError

LEAST = 2
"""Samples without which a set has no covariance."""


def frechet_distance(output: Tensor, target: Tensor) -> float:
    """Squared Frechet distance between Gaussians with the means and covariances of two sets of features.

    |m - m'|^2 + tr(S) + tr(S') - 2 tr((S S')^1/2). With S = A'A and S' = B'B of centred rows the last trace is the sum
    of the singular values of A B', so that no root of a matrix is taken and fewer samples than features do no harm to
    it. They do harm the estimate, which is then too large: compare sets of equal size only.

    Args:
        output: One row a sample. [n, d]
        target: [m, d]

    Raises:
        DataError: if a set has fewer than two rows, widths differ, or a value is not finite.

    Source: Heusel et al., GANs Trained by a Two Time-Scale Update Rule, arXiv 1706.08500, equation 6; of videos:
    Unterthiner et al., Towards Accurate Generative Models of Video, arXiv 1812.01717. Covariances are unbiased (n - 1).
    """
    if output.ndim != 2 or target.ndim != 2 or output.shape[1] != target.shape[1]:
        raise DataError(f"features are [n, d] of one width, got {tuple(output.shape)} and {tuple(target.shape)}")
    if min(len(output), len(target)) < LEAST:
        raise DataError(f"a Frechet distance needs {LEAST} samples a set, got {len(output)} and {len(target)}")
    if not (torch.isfinite(output).all() and torch.isfinite(target).all()):
        raise DataError("features of a Frechet distance are not finite")
    rows = [in_double(features) for features in (output, target)]
    means = [features.mean(0) for features in rows]
    scaled = [(features - mean) / (len(features) - 1) ** 0.5 for features, mean in zip(rows, means, strict=True)]
    spread = sum(float(factor.square().sum()) for factor in scaled)
    shared = float(torch.linalg.svdvals(scaled[0] @ scaled[1].T).sum())
    return max(0.0, float((means[0] - means[1]).square().sum()) + spread - 2 * shared)
