"""Which probes can see place? The research documents' two cannot, whatever the features."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.contracts.specs import DataRequest, GridShape
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.probes import PROBES, Probe, detection_scores, floor_scores, mean_box_floor, probe
from foresight_harness.parts.probes.detr import DetrProbe
from foresight_harness.parts.probes.detr_head import DetrHead
from foresight_harness.parts.probes.single_heads import Attentive, Convolution, PooledMlp, SoftArgmax, pooled
from foresight_harness.parts.training.recipe import Recipe
from torch import Tensor, nn

torch.set_num_threads(1)

SHAPE = GridShape(rows=6, cols=5, width=7)
SHORT = Recipe(steps=150, batch=16, losses=("focal", "l1", "giou"), learning_rate=2e-3)


@pytest.fixture(scope="module")
def splits() -> tuple[Labels, Labels]:
    train = labels_of(Shapes(DataRequest("train", 160, canvas_px=112)))
    return train, labels_of(Shapes(DataRequest("test", 96, canvas_px=112)))


def scored(one: Probe, splits: tuple[Labels, Labels]) -> np.ndarray:
    train, test = (TensorBatches(labels.coverage(16, 16)[..., None]) for labels in splits)
    one.fit(train, splits[0], seed=0)
    found = one.predict(test, splits[1].object_counts())
    values: np.ndarray = detection_scores([entry.boxes for entry in found], splits[1])
    return values


def alone(splits: tuple[Labels, Labels]) -> np.ndarray:
    return np.asarray(np.array(splits[1].object_counts()) == 1)


def test_dense_ridge_reads_a_perfect_mask(splits: tuple[Labels, Labels]) -> None:
    assert scored(probe("dense_ridge"), splits).mean() > 0.85


def test_pooled_mlp_scores_the_floor_on_a_perfect_mask(splits: tuple[Labels, Labels]) -> None:
    floor = floor_scores(mean_box_floor(splits[0]), splits[1])[alone(splits)].mean()
    assert scored(probe("pooled_mlp"), splits)[alone(splits)].mean() < floor + 0.05


def test_detection_without_positions_scores_the_floor_where_positions_alone_lift_it(
    splits: tuple[Labels, Labels],
) -> None:
    floor = floor_scores(mean_box_floor(splits[0]), splits[1])[alone(splits)].mean()
    blind = scored(DetrProbe("detr_no_position", positions=False, recipe=SHORT), splits)[alone(splits)].mean()
    seeing = scored(DetrProbe("detr", recipe=SHORT), splits)[alone(splits)].mean()
    assert blind < floor + 0.05
    assert seeing > floor + 0.1


def test_only_the_blind_probes_are_for_the_audit_alone() -> None:
    assert {name for name in PROBES if probe(name).audit_only} == {"pooled_mlp", "detr_no_position"}


def boxes_of(head: nn.Module, tokens: Tensor) -> Tensor:
    answer = head(tokens)
    found: Tensor = answer.boxes if isinstance(head, DetrHead) else answer
    return found


def awakened(head: nn.Module) -> nn.Module:
    """Output layers start at zero; give every weight a value, as training would."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    return head.eval()


@pytest.mark.parametrize("build", [PooledMlp, partial(DetrHead, positions=False)])
def test_a_blind_head_gives_the_same_boxes_for_tokens_in_any_order(build: type[nn.Module]) -> None:
    head = awakened(build(SHAPE))
    tokens = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0))
    mixed = tokens.flatten(1, 2)[:, torch.randperm(30, generator=torch.Generator().manual_seed(2))]
    torch.testing.assert_close(boxes_of(head, mixed.reshape(tokens.shape)), boxes_of(head, tokens), atol=1e-5, rtol=0)


@pytest.mark.parametrize("build", [SoftArgmax, Attentive, Convolution, DetrHead])
def test_a_seeing_head_gives_other_boxes_for_tokens_in_another_order(build: type[nn.Module]) -> None:
    head = awakened(build(SHAPE))
    tokens = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0))
    assert (boxes_of(head, tokens.flip(2)) - boxes_of(head, tokens)).abs().max() > 1e-3


def test_pooling_once_before_the_fit_is_what_the_head_would_do_in_every_step() -> None:
    head = awakened(PooledMlp(SHAPE))
    tokens = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(head(pooled(tokens)), head(tokens))
