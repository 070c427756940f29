"""Closed-form probes read features a batch at a time: what they hold does not grow with the data set."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.specs import DataRequest, GridShape
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.probes import probe
from foresight_harness.parts.probes import tokens as tokens_module
from foresight_harness.parts.probes.linear_pixels import LinearPixels
from foresight_harness.parts.probes.tokens import standard_of, streamed_standard
from torch import Tensor

SIDE, WIDTH, BATCH, COUNT = 8, 12, 6, 60


class Watched:
    """Grids made anew for every pass, and how many batches of them were alive at once."""

    shape = GridShape(rows=SIDE, cols=SIDE, width=WIDTH, frames=1)

    def __init__(self, tokens: Tensor) -> None:
        self._tokens = tokens.numpy()
        self._made: list[weakref.ref[Any]] = []
        self.most = 0

    def __len__(self) -> int:
        return len(self._tokens)

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(0, len(self), BATCH):
            block = np.array(self._tokens[start : start + BATCH])
            self._made.append(weakref.ref(block))
            tokens = torch.from_numpy(block)
            del block
            self.most = max(self.most, sum(made() is not None for made in self._made))
            yield tokens
            del tokens


@pytest.fixture(scope="module")
def data() -> Shapes:
    return Shapes(DataRequest("train", COUNT, canvas_px=64))


@pytest.fixture
def features(data: Shapes) -> Watched:
    coverage = labels_of(data).coverage(SIDE, SIDE)[..., None]
    tokens = torch.randn(COUNT, 1, SIDE, SIDE, WIDTH, generator=torch.Generator().manual_seed(0))
    return Watched(tokens + 3 * coverage)


@pytest.mark.parametrize("name", ["dense_ridge", "knn"])
def test_no_more_than_two_batches_are_held_at_once(
    name: str, data: Shapes, features: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "HELD_BYTES", 4 * COUNT * SIDE * SIDE * WIDTH - 1)
    labels = labels_of(data)
    reader = probe(name)
    reader.fit(features, labels, seed=0)
    assert len(reader.predict(features, labels.object_counts())) == COUNT
    assert 1 <= features.most <= 2


def test_a_small_split_is_computed_once_for_both_passes_of_a_fit_with_the_same_answer(
    data: Shapes, features: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, found, made = labels_of(data), [], []
    for limit in (tokens_module.HELD_BYTES, 0):
        monkeypatch.setattr(tokens_module, "HELD_BYTES", limit)
        reader, before = probe("dense_ridge"), len(features._made)
        reader.fit(features, labels, seed=0)
        made.append(len(features._made) - before)
        found.append(reader.predict(features, labels.object_counts()))
    assert made == [COUNT // BATCH, 2 * COUNT // BATCH]
    for held, streamed in zip(*found, strict=True):
        assert torch.equal(held.boxes, streamed.boxes)


def test_pixels_are_read_from_a_batch_at_a_time(data: Shapes, features: Watched) -> None:
    def clips() -> Iterator[Tensor]:
        for start in range(0, COUNT, BATCH):
            yield torch.stack([data[index].clip for index in range(start, start + BATCH)])

    reader = LinearPixels()
    reader.fit(features, clips())
    assert reader.r2(features, clips()).shape == (COUNT,)
    assert 1 <= features.most <= 2


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_streamed_mean_and_spread_are_those_of_all_tokens_at_once(scale: float) -> None:
    tokens = torch.randn(50, 1, 4, 4, 3, generator=torch.Generator().manual_seed(1)) * scale + 100 * scale
    tokens[..., 2] = 7.0
    streamed = streamed_standard("knn", TensorBatches(tokens, batch=7))
    flat = tokens.double().flatten(0, 3)
    torch.testing.assert_close(streamed.mean, flat.mean(0))
    torch.testing.assert_close(streamed.scale[:2], 1 / flat.std(0, correction=0)[:2], rtol=1e-4, atol=0)
    assert streamed.scale[2] == 0
    torch.testing.assert_close(standard_of("knn", tokens[:, 0]).scale, streamed.scale)


def test_the_bank_is_the_same_whatever_the_batches(data: Shapes, features: Watched) -> None:
    labels, boxes = labels_of(data), []
    for batch in (BATCH, COUNT, 7):
        reader = probe("knn")
        whole = TensorBatches(torch.from_numpy(features._tokens), batch=batch)
        reader.fit(whole, labels, seed=3)
        boxes.append([found.boxes for found in reader.predict(whole, labels.object_counts())])
    for other in boxes[1:]:
        for one, same in zip(boxes[0], other, strict=True):
            torch.testing.assert_close(one, same)
