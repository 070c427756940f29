"""A box linear in the whole grid: weak on a perfect mask, blind on tokens in random places, and not blind by design."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import OneShape
from foresight_harness.parts.probes import flattened_ridge
from foresight_harness.parts.probes.boxes import floor_scores, mean_box_floor
from foresight_harness.parts.probes.flattened_ridge import FlattenedRidge, averaged, block_of
from foresight_harness.parts.probes.matching import detection_scores


@pytest.fixture(scope="module")
def splits() -> tuple[Labels, Labels]:
    train = labels_of(OneShape(DataRequest("train", 256, canvas_px=112)))
    return train, labels_of(OneShape(DataRequest("test", 96, canvas_px=112)))


def scored(splits: tuple[Labels, Labels], shuffled: bool = False) -> float:
    generator = torch.Generator().manual_seed(0)
    grids = []
    for labels in splits:
        grid = labels.coverage(16, 16)[..., None]
        if shuffled:
            cells = grid.flatten(2, 3)
            order = torch.stack([torch.randperm(256, generator=generator) for _ in range(len(cells))])
            grid = torch.stack([one[:, place] for one, place in zip(cells, order, strict=True)]).reshape(grid.shape)
        grids.append(TensorBatches(grid))
    probe = FlattenedRidge()
    probe.fit(grids[0], splits[0], seed=0)
    found = probe.predict(grids[1], splits[1].object_counts())
    return float(detection_scores([entry.boxes for entry in found], splits[1]).mean())


def test_a_perfect_mask_scores_little_and_well_above_the_floor(splits: tuple[Labels, Labels]) -> None:
    floor = float(np.mean(floor_scores(mean_box_floor(splits[0]), splits[1])))
    assert floor + 0.1 < scored(splits) < 0.6


def test_tokens_in_random_places_score_the_floor(splits: tuple[Labels, Labels]) -> None:
    floor = float(np.mean(floor_scores(mean_box_floor(splits[0]), splits[1])))
    assert scored(splits, shuffled=True) < floor + 0.05


def test_the_same_features_give_the_same_boxes_whatever_the_seed(splits: tuple[Labels, Labels]) -> None:
    grid = TensorBatches(splits[0].coverage(8, 8)[..., None])
    boxes = []
    for seed in (0, 7):
        probe = FlattenedRidge()
        probe.fit(grid, splits[0], seed)
        boxes.append(torch.stack([entry.boxes[0] for entry in probe.predict(grid, splits[0].object_counts())]))
    assert torch.equal(*boxes)
    assert ((boxes[0] >= 0) & (boxes[0] <= 1)).all()


def test_large_splits_are_averaged_until_they_fit_and_small_ones_are_left_alone(monkeypatch) -> None:
    assert block_of(128, 16, 16, 64) == 1
    monkeypatch.setattr(flattened_ridge, "HELD_BYTES", 8 * 10 * 16 * 3)
    assert block_of(10, 8, 8, 3) == 2
    tokens = torch.arange(2 * 3 * 5, dtype=torch.float32).reshape(2, 3, 5, 1)
    assert averaged(tokens, 2).shape == (2, 2, 3, 1)
    assert averaged(tokens, 2)[0, 1, 2, 0] == tokens[0, 2, 4, 0], "a smaller block at the corner"
    assert averaged(tokens, 1) is tokens


def test_predicting_first_or_on_another_grid_is_refused(splits: tuple[Labels, Labels]) -> None:
    grid = TensorBatches(splits[0].coverage(8, 8)[..., None])
    probe = FlattenedRidge()
    with pytest.raises(FitError, match="predict before fit"):
        probe.predict(grid, splits[0].object_counts())
    probe.fit(grid, splits[0], 0)
    with pytest.raises(GridError, match="was fitted to grids of 8x8x1"):
        probe.predict(TensorBatches(splits[0].coverage(4, 4)[..., None]), splits[0].object_counts())
