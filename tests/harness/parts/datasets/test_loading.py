"""Batches of clips: in order, decoded once and only when asked for."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.loading import clip_batches
from foresight_harness.protocols import Sample


def test_batches_come_in_order_and_the_last_is_smaller(counted: Any) -> None:
    batches = list(clip_batches(counted, 2))
    assert [indices for indices, _ in batches] == [[0, 1], [2, 3], [4]]
    assert [clips.shape[0] for _, clips in batches] == [2, 2, 1]
    assert counted.decoded == [0, 1, 2, 3, 4]
    stacked = torch.cat([clips for _, clips in batches])
    assert torch.equal(stacked, torch.stack([sample.clip for sample in counted.samples]))


def test_batches_are_decoded_only_when_asked_for(counted: Any) -> None:
    batches = clip_batches(counted, 2)
    next(batches)
    assert counted.decoded == [0, 1]


def test_clips_of_two_shapes_are_refused_by_name(counted: Any) -> None:
    counted.samples[3] = Sample("odd", "odd", torch.zeros(1, 3, 16, 32), torch.zeros(1, 0, 4))
    with pytest.raises(DataError, match="odd is"):
        list(clip_batches(counted, 5))


def test_a_batch_of_nothing_is_refused(counted: Any) -> None:
    with pytest.raises(ValueError, match="batches of 0 samples"):
        list(clip_batches(counted, 0))
