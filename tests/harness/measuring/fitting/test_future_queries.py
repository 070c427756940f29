"""Queries on patches whose future is known: they say where the patch will be, and cannot without the order."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.errors import GridError
from foresight_harness.measuring.fitting.future_queries import fit_queries, lag, reduction_of
from foresight_harness.parts.closed_form.moving_layer import shifted

SIDE, SEEN, CLIPS = 16, 9, 24


def patches(seed: int) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
    """Grids of the frames seen [n, T, H, W, 2] and of frames 2 and 4 ahead [n, 1, H, W, 2], by frames ahead."""
    random = torch.Generator().manual_seed(seed)
    angle = torch.rand(CLIPS, generator=random) * 2 * torch.pi
    speed = 0.03 + 0.02 * torch.rand(CLIPS, generator=random)
    velocity = speed[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    patch = torch.zeros(CLIPS, 1, SIDE, SIDE)
    patch[:, :, 6:10, 6:10] = 1
    behind = 0.2 * torch.rand(CLIPS, 1, SIDE, SIDE, generator=random)

    def at(frame: int) -> torch.Tensor:
        there = shifted(patch, (frame - SEEN + 1) * velocity, "zeros")
        return torch.cat([there + (1 - there) * behind, behind], dim=1).permute(0, 2, 3, 1)

    seen = torch.stack([at(frame) for frame in range(SEEN)], dim=1)
    return seen, {ahead: at(SEEN - 1 + ahead)[:, None] for ahead in (2, 4)}


@pytest.fixture(scope="module")
def known():
    return patches(0)


def errors(seen: torch.Tensor, taught: torch.Tensor, known, asked) -> dict[int, float]:
    """Mean square error of the first channel at each horizon, over that of copying the last frame."""
    future = {ahead: TensorBatches(latents) for ahead, latents in known[1].items()}
    queries = fit_queries(TensorBatches(taught), future, SEEN, (SIDE, SIDE))
    found = queries.parted(seen)
    return {
        ahead: float((queries.predict(found, SEEN, ahead) - latents)[..., 0].square().mean())
        / float((asked[0][:, -1:] - latents)[..., 0].square().mean())
        for ahead, latents in asked[1].items()
    }


def test_what_moves_is_where_it_will_be(known) -> None:
    asked = patches(1)
    found = errors(asked[0], known[0], known, asked)
    assert found[2] < 0.35
    assert found[4] < 0.35


def test_without_the_order_of_what_was_seen_it_is_not(known) -> None:
    asked = patches(1)
    order = torch.randperm(SEEN, generator=torch.Generator().manual_seed(3))
    lost = errors(asked[0][:, order], known[0][:, order], known, asked)
    kept = errors(asked[0], known[0], known, asked)
    assert lost[2] > 2 * kept[2]


def test_constant_tokens_give_one_answer(known) -> None:
    ones = torch.ones(CLIPS, SEEN, SIDE, SIDE, 3)
    queries = fit_queries(TensorBatches(ones), {2: TensorBatches(known[1][2])}, SEEN, (SIDE, SIDE))
    answers = queries.predict(queries.parted(ones), SEEN, 2)
    assert (answers - answers[:1]).abs().max() < 1e-5
    assert torch.allclose(answers.mean((0, 1, 2, 3)), known[1][2].mean((0, 1, 2, 3)), atol=1e-4)


def test_tokens_are_read_in_directions_that_vary() -> None:
    tokens = torch.randn(6, 2, 4, 4, 5, generator=torch.Generator().manual_seed(0))
    tokens[..., 3] = 7.0
    reduced = reduction_of(TensorBatches(tokens), width=3)(tokens)
    assert reduced.shape == (6, 2, 3, 4, 4)
    rows = reduced.permute(0, 1, 3, 4, 2).reshape(-1, 3).double()
    covariance = (rows - rows.mean(0)).T @ (rows - rows.mean(0)) / len(rows)
    assert torch.allclose(covariance, covariance.diagonal().diag(), atol=1e-4)
    assert (covariance.diagonal().diff() <= 1e-6).all()


def test_a_slot_of_two_frames_lies_half_a_frame_before_the_last() -> None:
    assert lag(9, 9) == 0
    assert lag(4, 8) == pytest.approx(0.5)


def test_latents_of_other_clips_are_refused(known) -> None:
    named = TensorBatches(known[0], ids=tuple(f"a{n}" for n in range(CLIPS)))
    other = TensorBatches(known[1][2], ids=tuple(f"b{n}" for n in range(CLIPS)))
    with pytest.raises(GridError):
        fit_queries(named, {2: other}, SEEN, (SIDE, SIDE))
