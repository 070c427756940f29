"""Clips of a data set in batches, in sample order."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Dataset


def clip_batches(dataset: Dataset, size: int) -> Iterator[tuple[list[int], Tensor]]:
    """Yield the indices and clips of consecutive samples; every sample is decoded once.

    Args:
        dataset: Any split.
        size: Samples a batch; the last batch may be smaller.

    Returns:
        Indices [b] and pixels in [0, 1]. [b, T, 3, H_px, W_px] float32

    Raises:
        DataError: if clips of one batch differ in shape; the message names the first that does.
        ValueError: if ``size`` is under 1.
    """
    if size < 1:
        raise ValueError(f"batches of {size} samples; the least is 1")
    for start in range(0, len(dataset), size):
        indices = list(range(start, min(start + size, len(dataset))))
        samples = [dataset[index] for index in indices]
        for sample in samples:
            if sample.clip.shape != samples[0].clip.shape:
                raise DataError(
                    f"data set {dataset.name}: {sample.id} is {tuple(sample.clip.shape)} and {samples[0].id} is "
                    f"{tuple(samples[0].clip.shape)} [T, 3, H_px, W_px]; all clips of a set have one shape"
                )
        yield indices, torch.stack([sample.clip for sample in samples])
