"""Matching and losses of the set-prediction head."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from foresight_harness.contracts.specs import GridShape
from foresight_harness.parts.probes.box_loss import centred, corners
from foresight_harness.parts.probes.detr_head import DetrHead, SetPrediction, assign, set_loss
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import generalized_box_iou

torch.set_num_threads(1)


def random_boxes(*shape: int, seed: int) -> Tensor:
    return 0.2 + 0.3 * torch.rand(*shape, 4, generator=torch.Generator().manual_seed(seed))


def prediction(seed: int, samples: int = 2, queries: int = 4) -> SetPrediction:
    logits = torch.randn(samples, queries, generator=torch.Generator().manual_seed(seed))
    return SetPrediction(random_boxes(samples, queries, seed=seed), logits)


def test_centres_and_corners_are_each_others_inverse() -> None:
    boxes = random_boxes(5, seed=0)
    torch.testing.assert_close(centred(corners(boxes)), boxes)
    torch.testing.assert_close(corners(torch.tensor([0.5, 0.4, 0.2, 0.6])), torch.tensor([0.4, 0.1, 0.6, 0.7]))


@pytest.mark.parametrize("seed", range(4))
def test_assignment_is_the_cheapest_of_all(seed: int) -> None:
    predicted, true = prediction(seed), [random_boxes(3, seed=seed + 50), random_boxes(2, seed=seed + 80)]
    samples, queries, boxes = assign(predicted, true)
    assert samples.tolist() == [0, 0, 0, 1, 1]
    torch.testing.assert_close(boxes, torch.cat(true))
    for sample, objects in enumerate(true):
        overlap = generalized_box_iou(corners(predicted.boxes[sample]), corners(objects))
        distance = (predicted.boxes[sample][:, None] - objects[None]).abs().sum(-1)
        cost = 5 * distance - 2 * overlap - 2 * F.logsigmoid(predicted.logits[sample])[:, None]
        best = min(
            permutations(range(4), len(objects)), key=lambda order: sum(float(cost[q, k]) for k, q in enumerate(order))
        )
        assert tuple(queries[samples == sample].tolist()) == best


def test_perfect_answers_cost_almost_nothing() -> None:
    boxes = random_boxes(1, 3, seed=0)
    sure = SetPrediction(boxes, torch.tensor([[20.0, -20.0, 20.0]]))
    assert float(set_loss(sure, [boxes[0, [0, 2]]])) < 1e-4
    assert float(set_loss(sure, [boxes[0, [0, 1]]])) > 1


def test_samples_without_objects_only_teach_that_there_is_none() -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    loss = set_loss(SetPrediction(random_boxes(1, 4, seed=0), logits), [torch.zeros(0, 4)])
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad > 0).all()


def test_queries_start_spread_over_the_picture() -> None:
    head = DetrHead(GridShape(rows=4, cols=4, width=3))
    centres = head(torch.zeros(1, 4, 4, 3)).boxes[0, :, :2]
    assert centres.min() < 0.25
    assert centres.max() > 0.75


@pytest.mark.parametrize("positions", [True, False])
def test_the_head_computes_what_torchs_decoder_layers_compute(positions: bool) -> None:
    torch.manual_seed(0)
    head = DetrHead(GridShape(rows=3, cols=5, width=7), positions=positions)
    tokens = torch.randn(4, 3, 5, 7)
    memory = head.norm(head.enter(tokens.flatten(1, 2))) + head.places
    queries = (head.queries + head.asked).expand(4, -1, -1)
    for layer in head.layers:
        queries = layer(queries, memory)
    read = head.leave(queries)
    found = head(tokens)
    torch.testing.assert_close(found.logits, head.object(read)[..., 0], rtol=1e-5, atol=1e-5)
    box = head.box(read)
    placed = torch.cat([box[..., :2] + head.reference, box[..., 2:]], dim=-1).sigmoid()
    torch.testing.assert_close(found.boxes, placed, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(found.boxes[0], found.boxes[1], atol=1e-3)
