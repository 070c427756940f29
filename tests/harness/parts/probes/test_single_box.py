"""Trained probes of one box."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.probes import detection_scores, floor_scores, mean_box_floor, probe
from foresight_harness.parts.probes.single_box import SingleBoxProbe, largest_objects
from foresight_harness.parts.probes.single_heads import Attentive, Convolution, SoftArgmax
from foresight_harness.parts.training.recipe import Recipe

torch.set_num_threads(1)

BRIEF = Recipe(steps=40, batch=32, losses=("l1", "giou"), learning_rate=5e-3)


@pytest.fixture(scope="module")
def splits() -> tuple[Labels, Labels]:
    train = labels_of(Shapes(DataRequest("train", 128, canvas_px=112)))
    return train, labels_of(Shapes(DataRequest("test", 64, canvas_px=112)))


def oracle(labels: Labels) -> TensorBatches:
    return TensorBatches(labels.coverage(8, 8)[..., None], batch=30)


def test_soft_argmax_reads_a_perfect_mask_far_above_the_floor(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    one = probe("soft_argmax")
    one.fit(oracle(train), train, seed=0)
    values = detection_scores([found.boxes for found in one.predict(oracle(test), test.object_counts())], test)
    alone = np.array(test.object_counts()) == 1
    assert values[alone].mean() > floor_scores(mean_box_floor(train), test)[alone].mean() + 0.2


@pytest.mark.parametrize("head", [Attentive, Convolution, SoftArgmax])
def test_one_box_comes_first_and_the_constant_box_fills_the_list(
    splits: tuple[Labels, Labels], head: type[SoftArgmax]
) -> None:
    train, test = splits
    one = SingleBoxProbe("x", head, recipe=BRIEF)
    one.fit(oracle(train), train, seed=0)
    found = one.predict(oracle(test), [0, 1, 3] + [1] * 61)
    assert [len(entry.boxes) for entry in found[:3]] == [1, 1, 3]
    assert found[2].scores.tolist() == [1.0, 0.0, 0.0]
    constant = torch.from_numpy(mean_box_floor(train)).float()
    torch.testing.assert_close(found[2].boxes[1:], constant.expand(2, 4))
    assert ((found[2].boxes >= 0) & (found[2].boxes <= 1)).all()
    assert one.max_objects == 1


def test_the_seed_decides_the_fit_and_the_callers_random_state_is_left_alone(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    boxes: list[torch.Tensor] = []
    for seed in (0, 0, 1):
        torch.manual_seed(100 + len(boxes))
        expected = torch.rand(1)
        torch.manual_seed(100 + len(boxes))
        one = SingleBoxProbe("x", Attentive, recipe=BRIEF)
        one.fit(oracle(train), train, seed=seed)
        assert torch.equal(torch.rand(1), expected)
        boxes.append(torch.cat([found.boxes for found in one.predict(oracle(test), [1] * len(test))]))
    assert torch.equal(boxes[0], boxes[1])
    assert not torch.allclose(boxes[0], boxes[2], atol=1e-4)


def test_the_recipe_is_part_of_the_choices_and_convergence_is_kept(splits: tuple[Labels, Labels]) -> None:
    train, _ = splits
    one = SingleBoxProbe("x", Attentive, recipe=BRIEF)
    assert one.choices()["fit_steps"] == 40
    assert one.choices() != SingleBoxProbe("x", Attentive).choices()
    one.fit(oracle(train), train, seed=0)
    assert one.convergence is not None
    assert one.convergence.last < one.convergence.first


def test_the_largest_object_is_the_target_and_pictures_without_objects_are_left_out() -> None:
    boxes = [torch.tensor([[0, 0, 0.1, 0.1], [0.2, 0.2, 0.9, 0.8]]), torch.zeros(0, 4), torch.tensor([[0, 0, 1.0, 1]])]
    labels = Labels(("a", "b", "c"), ("a", "b", "c"), boxes, torch.zeros(3, 1, 8, 8, dtype=torch.bool))
    index, largest = largest_objects(labels)
    assert index.tolist() == [0, 2]
    torch.testing.assert_close(largest, torch.tensor([[0.2, 0.2, 0.9, 0.8], [0, 0, 1, 1]]))


def test_constant_features_score_about_the_floor(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    one = SingleBoxProbe("x", Attentive, recipe=BRIEF)
    one.fit(TensorBatches(torch.full((len(train), 1, 8, 8, 3), 5.0)), train, seed=0)
    found = one.predict(TensorBatches(torch.full((len(test), 1, 8, 8, 3), 5.0)), [1] * len(test))
    assert torch.stack([entry.boxes[0] for entry in found]).std(0).max() < 1e-5


def test_misuse_is_refused(splits: tuple[Labels, Labels]) -> None:
    train, test = splits
    one = SingleBoxProbe("x", Attentive, recipe=BRIEF)
    with pytest.raises(FitError, match="probe x: predict before fit"):
        one.predict(oracle(test), [1])
    with pytest.raises(GridError, match="64 samples for labels of 128"):
        one.fit(oracle(test), train, seed=0)
    broken = train.coverage(8, 8)[..., None].clone()
    broken[0, 0, 0, 0, 0] = torch.nan
    with pytest.raises(FitError, match="not finite"):
        one.fit(TensorBatches(broken), train, seed=0)


def test_soft_argmax_moves_alike_at_every_width_and_its_number_has_another_digest() -> None:
    from foresight_harness.parts.probes.single_heads import narrowed

    one = probe("soft_argmax")
    assert one._prepare is narrowed  # type: ignore[attr-defined]
    assert one.choices()["probe"] == "soft_argmax/2"
    for width in (1, 16, 400):
        tokens = torch.randn(2, 3, 3, width, generator=torch.Generator().manual_seed(0))
        assert float(narrowed(tokens).square().sum(-1).mean()) == pytest.approx(float(tokens.square().mean()), rel=1e-5)
