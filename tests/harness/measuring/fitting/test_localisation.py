from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.errors import UsageError
from foresight_harness.measuring.fitting.localisation import PlaceTargets, boxes_by_cell, sides_to_boxes
from foresight_harness.parts.training import losses

BOX = torch.tensor([[0.0, 0.0, 0.5, 0.5]])


def labels() -> Labels:
    """Two pictures of 4x4 pixels: an object in the upper left quarter, and nothing."""
    foreground = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    foreground[0, 0, :2, :2] = True
    return Labels(("a", "b"), ("a", "b"), [BOX, torch.zeros(0, 4)], foreground)


def test_coverage_terms_are_the_named_losses_with_their_weights() -> None:
    targets = PlaceTargets(labels(), (1, 2, 2), {"coverage_bce": 2.0, "coverage_focal": 3.0}, "cpu")
    predicted = torch.randn(2, 1, 2, 2, 1, generator=torch.Generator().manual_seed(0))
    truth = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    logits = predicted[..., 0]
    expected = 2 * losses.coverage_bce(logits, truth) + 3 * losses.coverage_focal(logits, truth)
    assert torch.allclose(targets.loss(predicted, [0, 1]), expected)


def test_best_constant_answer_is_the_entropy_of_the_mean_coverage() -> None:
    share = 1 / 8
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    targets = PlaceTargets(labels(), (1, 2, 2), {"coverage_bce": 2.0}, "cpu")
    assert targets.constant() == pytest.approx(2 * entropy)
    constant = torch.full((2, 1, 2, 2, 1), math.log(share / (1 - share)))
    assert targets.loss(constant, [0, 1]).item() == pytest.approx(2 * entropy, rel=1e-5)
    assert PlaceTargets(labels(), (1, 2, 2), {"coverage_focal": 1.0}, "cpu").constant() is None


def test_cell_is_held_to_the_smallest_box_that_holds_its_centre() -> None:
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    boxes, inside = boxes_by_cell([torch.cat([BOX, whole]), torch.zeros(0, 4)], 2, 2)
    assert inside.tolist() == [[[True, True], [True, True]], [[False, False], [False, False]]]
    assert boxes[0, 0, 0].tolist() == BOX[0].tolist()
    assert boxes[0, 1, 1].tolist() == whole[0].tolist()


def test_distances_become_a_box_around_the_cells_centre() -> None:
    raw = torch.full((1, 2, 2, 4), math.log(math.exp(0.25) - 1))
    boxes = sides_to_boxes(raw)
    assert boxes[0, 0, 1].tolist() == pytest.approx([0.5, 0.0, 1.0, 0.5], abs=1e-6)


def test_box_terms_count_only_cells_inside_an_object() -> None:
    targets = PlaceTargets(labels(), (1, 2, 2), {"box_l1": 1.0, "box_giou": 1.0}, "cpu")
    predicted = torch.zeros(2, 1, 2, 2, 5)
    predicted[..., 1:] = math.log(math.exp(0.25) - 1)
    assert targets.loss(predicted, [0, 1]).item() == pytest.approx(0, abs=1e-5)
    predicted[0, 0, 1, 1] = 9.0
    assert targets.loss(predicted, [0, 1]).item() == pytest.approx(0, abs=1e-5)
    predicted[0, 0, 0, 0, 1:] = 0.5
    assert targets.loss(predicted, [0, 1]).item() > 0.1


def test_batch_without_objects_has_a_loss_and_a_gradient_of_nothing() -> None:
    targets = PlaceTargets(labels(), (1, 2, 2), {"box_l1": 1.0}, "cpu")
    predicted = torch.zeros(1, 1, 2, 2, 5, requires_grad=True)
    targets.loss(predicted, [1]).backward()
    assert predicted.grad is not None
    assert predicted.grad.abs().sum() == 0


def test_head_has_a_box_only_where_boxes_are_asked_for() -> None:
    grid = torch.zeros(1, 1, 2, 2, 6)
    assert PlaceTargets(labels(), (1, 2, 2), {"coverage_bce": 1.0}, "cpu").head(6)(grid).shape[-1] == 1
    assert PlaceTargets(labels(), (1, 2, 2), {"box_giou": 1.0}, "cpu").head(6)(grid).shape[-1] == 5


def test_head_reads_the_oracles_one_channel() -> None:
    head = PlaceTargets(labels(), (1, 2, 2), {"coverage_bce": 1.0}, "cpu").head(1)
    assert head(torch.zeros(1, 1, 1, 1, 1)).item() != head(torch.ones(1, 1, 1, 1, 1)).item()


def test_loss_of_another_objective_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="'latent_mse' is none of localisation; there are coverage_bce"):
        PlaceTargets(labels(), (1, 2, 2), {"latent_mse": 1.0}, "cpu")
