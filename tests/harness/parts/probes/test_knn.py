"""The training-free probe."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.probes import detection_scores, floor_scores, mean_box_floor
from foresight_harness.parts.probes.knn import Knn, balanced
from sklearn.neighbors import KNeighborsRegressor

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def splits() -> tuple[Labels, Labels]:
    train = labels_of(Shapes(DataRequest("train", 128, canvas_px=112)))
    return train, labels_of(Shapes(DataRequest("test", 48, canvas_px=112)))


def oracle(labels: Labels) -> TensorBatches:
    return TensorBatches(labels.coverage(16, 16)[..., None], batch=30)


def test_a_perfect_mask_is_read_above_08_and_noise_at_the_floor(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    one = Knn()
    one.fit(oracle(train), train, seed=0)
    values = detection_scores([found.boxes for found in one.predict(oracle(test), test.object_counts())], test)
    assert values.mean() > 0.8
    noise = [torch.randn(len(labels), 1, 16, 16, 4, generator=torch.Generator().manual_seed(3)) for labels in splits]
    one.fit(TensorBatches(noise[0]), train, seed=0)
    found = one.predict(TensorBatches(noise[1]), test.object_counts())
    values = detection_scores([entry.boxes for entry in found], test)
    assert values.mean() < floor_scores(mean_box_floor(train), test).mean() + 0.03


def test_the_map_is_scikit_learns_neighbour_mean(splits: tuple[Labels, Labels]) -> None:
    train = splits[0]
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(1, 5, generator=generator)
    features = [labels.coverage(8, 8)[..., None] @ mixing for labels in splits]
    features = [tokens + 0.1 * torch.randn(tokens.shape, generator=generator) for tokens in features]
    one = Knn()
    one.fit(TensorBatches(features[0]), train, seed=0)
    assert one._standard is not None
    reference = KNeighborsRegressor(15, algorithm="brute").fit(one._bank.numpy(), one._values.numpy())
    expected = reference.predict(one._standard(features[1][:4]).flatten(0, 3).numpy()).reshape(4, 8, 8)
    found = one._map(features[1][:4, -1])
    assert abs(found - expected).max() < 0.07
    assert (abs(found - expected) > 1e-4).mean() < 0.01


def test_half_of_the_bank_lies_on_objects_and_the_seed_draws_it() -> None:
    touched = torch.arange(1000) < 200
    chosen = balanced(touched, 100, seed=0)
    assert len(set(chosen.tolist())) == 100
    assert int(touched[chosen].sum()) == 50
    assert torch.equal(chosen, balanced(touched, 100, seed=0))
    assert not torch.equal(chosen, balanced(touched, 100, seed=1))
    assert int(touched[balanced(touched, 1000, seed=0)].sum()) == 200


def test_one_train_sample_is_refused(splits: tuple[Labels, Labels]) -> None:
    train, _ = splits
    single = Labels(train.ids[:1], train.groups[:1], train.boxes[:1], train.foreground[:1])
    with pytest.raises(FitError, match="at least 2 train samples"):
        Knn().fit(oracle(single), single, seed=0)
