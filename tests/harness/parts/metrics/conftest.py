"""Small pictures and features; one thread, because tiny tensors wait for a second one longer than they compute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread during each test; the number before is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def generator() -> torch.Generator:
    """A generator of its own for each test."""
    return torch.Generator().manual_seed(7)


@pytest.fixture
def clips(generator: torch.Generator) -> Tensor:
    """Smooth random clips, so that windows and edges have something to read. [3, 2, 3, 40, 36] in [0, 1]"""
    coarse = torch.rand(6, 3, 10, 9, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (40, 36), mode="bilinear", align_corners=False)
    return fine.reshape(3, 2, 3, 40, 36)


@pytest.fixture
def noisy(clips: Tensor, generator: torch.Generator) -> Tensor:
    """The clips with noise, still in [0, 1]. [3, 2, 3, 40, 36]"""
    return (clips + 0.05 * torch.randn(clips.shape, generator=generator)).clamp(0, 1)
