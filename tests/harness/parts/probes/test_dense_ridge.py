"""The primary probe on the features whose right answer is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.probes import Detections, detection_scores, floor_scores, mean_box_floor, probe
from torch import Tensor

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def splits() -> tuple[Labels, Labels]:
    train = labels_of(Shapes(DataRequest("train", 256, canvas_px=224)))
    return train, labels_of(Shapes(DataRequest("test", 128, canvas_px=224)))


def oracle(labels: Labels) -> Tensor:
    return labels.coverage(16, 16)[..., None]


def shuffled(tokens: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    flat = tokens.flatten(1, 3)
    order = torch.stack([torch.randperm(flat.shape[1], generator=generator) for _ in flat])
    return torch.take_along_dim(flat, order[..., None], 1).reshape(tokens.shape)


def noise(count: int, seed: int) -> Tensor:
    return torch.randn(count, 1, 16, 16, 6, generator=torch.Generator().manual_seed(seed))


def read(train: tuple[Tensor, Labels], test: tuple[Tensor, Labels], batch: int = 50) -> list[Detections]:
    reader = probe("dense_ridge")
    reader.fit(TensorBatches(train[0], batch), train[1], seed=0)
    return reader.predict(TensorBatches(test[0], batch), test[1].object_counts())


def scores(found: list[Detections], labels: Labels) -> np.ndarray:
    return detection_scores([one.boxes for one in found], labels)


def test_true_coverage_is_read_above_085_on_one_to_five_objects(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    values = scores(read((oracle(train), train), (oracle(test), test)), test)
    counts = np.array(test.object_counts())
    assert set(counts) == {1, 2, 3, 4, 5}
    assert min(values[counts == count].mean() for count in range(1, 6)) > 0.85


@pytest.mark.parametrize("kind", ["shuffled", "constant", "noise"])
def test_features_without_place_score_the_floor(splits: tuple[Labels, Labels], kind: str) -> None:
    train, test = splits
    makers: dict[str, Callable[[Labels, int], Tensor]] = {
        "shuffled": lambda labels, seed: shuffled(oracle(labels), seed),
        "constant": lambda labels, _: torch.ones(len(labels), 1, 16, 16, 3),
        "noise": lambda labels, seed: noise(len(labels), seed),
    }
    features = [makers[kind](labels, seed) for seed, labels in enumerate(splits)]
    values = scores(read((features[0], train), (features[1], test)), test)
    floor = floor_scores(mean_box_floor(train), test).mean()
    assert values.mean() == pytest.approx(floor, abs=0.03)


def test_score_falls_as_tokens_lose_their_places(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    means = []
    for share in (0.0, 0.1, 0.5, 1.0):
        generator = torch.Generator().manual_seed(7)
        moved = []
        for labels in splits:
            tokens = oracle(labels)
            kept = torch.rand(tokens.shape[:-1], generator=generator)[..., None] >= share
            moved.append(torch.where(kept, tokens, shuffled(tokens, 3)))
        means.append(scores(read((moved[0], train), (moved[1], test)), test).mean())
    assert all(better - worse > 0.03 for better, worse in pairwise(means))
    assert means[3] < 0.12


def test_scale_and_mixing_of_channels_do_not_change_the_boxes(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    mixed = [torch.cat([100 * oracle(labels) + 7, torch.zeros(len(labels), 1, 16, 16, 2)], -1) for labels in splits]
    plain = scores(read((oracle(train), train), (oracle(test), test)), test)
    np.testing.assert_allclose(scores(read((mixed[0], train), (mixed[1], test)), test), plain, atol=1e-3)


def test_batching_and_repeating_do_not_change_the_boxes(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    one = read((oracle(train), train), (oracle(test), test), batch=50)
    other = read((oracle(train), train), (oracle(test), test), batch=256)
    for first, second in zip(one, other, strict=True):
        torch.testing.assert_close(first.boxes, second.boxes, atol=1e-4, rtol=0)


def test_every_list_is_best_first_and_filled_with_the_constant_box(
    splits: tuple[Labels, Labels],
) -> None:
    train, test = splits
    reader = probe("dense_ridge")
    reader.fit(TensorBatches(oracle(train)), train, seed=0)
    found = reader.predict(TensorBatches(oracle(test)), [9] * len(test))
    constant = torch.from_numpy(mean_box_floor(train)).float()
    for one in found:
        assert len(one.boxes) == len(one.scores) == 9
        assert (one.scores.diff() <= 0).all()
        assert one.scores[0] > 0
        assert one.scores[-1] == 0
        torch.testing.assert_close(one.boxes[-1], constant)
        assert (one.boxes >= 0).all()
        assert (one.boxes <= 1).all()
        assert (one.boxes[:, 2:] > one.boxes[:, :2]).all()


def test_more_components_than_objects_are_all_returned(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    reader = probe("dense_ridge")
    reader.fit(TensorBatches(oracle(train)), train, seed=0)
    found = reader.predict(TensorBatches(oracle(test)), [0] * len(test))
    assert sum(len(one.boxes) for one in found) == pytest.approx(sum(test.object_counts()), abs=5)


def test_of_a_clip_the_last_slot_is_read_against_the_last_frame(splits: tuple[Labels, Labels]) -> None:
    train, test = splits

    def moving(labels: Labels) -> tuple[Tensor, Labels]:
        frames = torch.cat([labels.foreground.flip(-1), labels.foreground], 1)
        clip = Labels(labels.ids, labels.groups, labels.boxes, frames)
        return clip.coverage(16, 16)[..., None], clip

    values = scores(read(moving(train), moving(test)), test)
    assert values.mean() > 0.85


def test_features_of_another_split_are_refused(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    with pytest.raises(GridError, match="128 samples for labels of 256"):
        probe("dense_ridge").fit(TensorBatches(oracle(test)), train, seed=0)


def test_a_grid_of_another_shape_is_refused(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    reader = probe("dense_ridge")
    with pytest.raises(FitError, match="predict before fit"):
        reader.predict(TensorBatches(oracle(test)), test.object_counts())
    reader.fit(TensorBatches(oracle(train)), train, seed=0)
    with pytest.raises(GridError, match="8x8x1"):
        reader.predict(TensorBatches(test.coverage(8, 8)[..., None]), test.object_counts())


def test_values_that_are_not_finite_are_refused(splits: tuple[Labels, Labels]) -> None:
    train, _ = splits
    tokens = oracle(train)
    tokens[3, 0, 2, 2, 0] = float("inf")
    with pytest.raises(FitError, match="not finite"):
        probe("dense_ridge").fit(TensorBatches(tokens), train, seed=0)
