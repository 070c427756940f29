"""Grids of predictions: where they look is asked only so far as it can be told, and everything else as of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from faulty_encoders import SPEC, Honest
from foresight_harness.contracts.specs import BuildRequest, DataRequest
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.admission.examining import Subject, examine
from foresight_harness.measuring.admission.verdicts import Verdict
from foresight_harness.parts.datasets.shapes import Shapes
from torch import Tensor

Change = Callable[[Tensor], Tensor]


def _shuffled(grid: Tensor) -> Tensor:
    """What is seen, said of other places, as untrained predictions are. [B, T, H, W, C]"""
    flat = grid.flatten(2, 3)
    order = torch.randperm(flat.shape[2], generator=torch.Generator().manual_seed(0))
    return flat[:, :, order].reshape(grid.shape)


def _half_empty(grid: Tensor) -> Tensor:
    """Nothing is predicted in the right half, and the same in pairs of rows of the left."""
    coarse = grid[:, :, ::2].repeat_interleave(2, dim=2)
    return torch.cat([coarse[..., :8, :], torch.zeros_like(grid[..., 8:, :])], dim=3)


def _verdict(change: Change, *, predicted: bool) -> Verdict:
    encoder = Honest(BuildRequest())
    spec = replace(SPEC, taps=(replace(SPEC.taps[0], predicted=predicted),))

    def run(clips: Tensor, taps: object) -> dict[str, TokenGrid]:
        return {"last": TokenGrid(change(encoder.encode(clips, ["last"])["last"].tokens))}

    shown = Shapes(DataRequest("test", 2, 0, canvas_px=SPEC.input_px))
    subject = Subject(spec, run, SPEC.input_px, params=SPEC.params or 0)
    return examine(subject, ["last"], shown[0].clip, shown[1].clip)[0]["last"]


@pytest.mark.parametrize("change", [_shuffled, _half_empty])
def test_what_is_wrong_of_tokens_is_right_of_predictions(change: Change) -> None:
    assert _verdict(change, predicted=False).status == "refused"
    assert _verdict(change, predicted=True).status == "admitted"


def test_predictions_that_do_not_follow_the_picture_are_said_not_to_be_checked() -> None:
    found = _verdict(_shuffled, predicted=True)
    assert "not checked: places at last: predictions change elsewhere than where the picture does" in str(found.line)
    assert _verdict(lambda grid: grid, predicted=True).line is None


@pytest.mark.parametrize("change", [lambda grid: grid.transpose(2, 3), lambda grid: grid.flip(2)])
def test_predictions_that_follow_the_picture_swapped_or_upside_down_are_refused(change: Change) -> None:
    found = _verdict(change, predicted=True)
    assert found.status == "refused"
    assert "each token sees" in str(found.line)


def test_predictions_that_are_alike_for_every_picture_are_refused() -> None:
    assert _verdict(lambda grid: torch.zeros_like(grid), predicted=True).status == "refused"
