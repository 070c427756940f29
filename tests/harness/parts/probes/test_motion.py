"""The motion probe reads change and nothing but change."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.parts.datasets.motion import heading_of
from foresight_harness.parts.probes.motion import CHANNELS, REACH, MotionDescriptor, MotionProbe, chance

SIDE = 2 * REACH + 1


class Sets(TensorBatches):
    """Token sets, whose places mean nothing."""

    @property
    def shape(self) -> GridShape:
        return GridShape(rows=1, cols=7, width=3, frames=5, is_set=True)


def dots(count: int, frames: int = 5, width: int = 3, seed: int = 0, speed: float = 1.4) -> tuple:
    """One bright token a clip on a busy, static background, moving in direction ``index % 8``. [B, T, 12, 12, C]"""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(count, 1, 12, 12, width, generator=generator).repeat(1, frames, 1, 1, 1)
    places = torch.arange(12.0)
    for index in range(count):
        start = 6 - 2 * torch.tensor(heading_of(index % 8)) + torch.rand(2, generator=generator) - 0.5
        for frame in range(frames):
            x, y = start + frame * speed * torch.tensor(heading_of(index % 8))
            spot = torch.exp(-((places[None, :] - x) ** 2 + (places[:, None] - y) ** 2))
            tokens[index, frame] += 4 * spot[:, :, None]
    return tokens, [index % 8 for index in range(count)]


def exchanged(tokens: torch.Tensor) -> torch.Tensor:
    return tokens[:, [0, 2, 1, *range(3, tokens.shape[1])]]


def fitted(tokens: torch.Tensor, directions: list) -> MotionProbe:
    probe = MotionProbe()
    probe.fit(TensorBatches(tokens), TensorBatches(exchanged(tokens)), directions)
    return probe


def test_direction_and_order_of_unseen_clips_are_read() -> None:
    probe = fitted(*dots(48))
    tokens, wanted = dots(32, seed=1)
    found = probe.directions(TensorBatches(tokens))
    assert sum(one == two for one, two in zip(found, wanted, strict=True)) >= 28
    assert float(probe.in_order(TensorBatches(tokens), TensorBatches(exchanged(tokens))).mean()) > 0.9


def test_a_correlation_by_hand_peaks_at_the_shift() -> None:
    """One token moves one column to the right in each of three frames: at lag 1 shift (0, 1) wins, at lag 2 (0, 2)."""
    tokens = torch.zeros(1, 3, 8, 8, 1)
    for frame in range(3):
        tokens[0, frame, 4, 2 + frame] = 1
    descriptor = MotionDescriptor()
    descriptor.fit(TensorBatches(tokens))
    first, second = descriptor.of(TensorBatches(tokens))[0].reshape(2, SIDE, SIDE)
    assert divmod(int(first.argmax()), SIDE) == (REACH, REACH + 1)
    assert divmod(int(second.argmax()), SIDE) == (REACH, REACH + 2)


def test_what_stands_still_leaves_no_trace() -> None:
    tokens, _ = dots(4)
    descriptor = MotionDescriptor()
    descriptor.fit(TensorBatches(tokens))
    codes = torch.randn(1, 1, 12, 12, 3) * 10
    moved = descriptor.of(TensorBatches(tokens + codes))
    torch.testing.assert_close(moved, descriptor.of(TensorBatches(tokens)), atol=1e-4, rtol=1e-3)
    still = tokens[:, :1].repeat(1, 5, 1, 1, 1)
    assert descriptor.of(TensorBatches(still)).abs().max() == 0


def test_still_clips_tie_and_get_half_a_point() -> None:
    tokens, directions = dots(16)
    still = tokens[:, :1].repeat(1, 5, 1, 1, 1)
    probe = fitted(still, directions)
    assert probe.in_order(TensorBatches(still), TensorBatches(exchanged(still))).tolist() == [0.5] * 16


def test_wide_tokens_are_projected_and_still_read() -> None:
    mixing = torch.randn(3, 4 * CHANNELS, generator=torch.Generator().manual_seed(3))
    train, taught = dots(48)
    test, wanted = dots(32, seed=1)
    found = fitted(train @ mixing, taught).directions(TensorBatches(test @ mixing))
    assert sum(one == two for one, two in zip(found, wanted, strict=True)) >= 26


def test_a_channel_of_huge_scale_does_not_drown_the_others() -> None:
    def with_noise(tokens: torch.Tensor, seed: int) -> torch.Tensor:
        noise = torch.randn(*tokens.shape[:4], 1, generator=torch.Generator().manual_seed(seed))
        return torch.cat([tokens, 1000 * noise], -1)

    train, taught = dots(48)
    test, wanted = dots(32, seed=1)
    found = fitted(with_noise(train, 5), taught).directions(TensorBatches(with_noise(test, 6)))
    assert sum(one == two for one, two in zip(found, wanted, strict=True)) >= 20


def test_clips_of_unknown_direction_are_left_out_and_one_class_is_no_question() -> None:
    tokens, directions = dots(24)
    some = [None if index % 3 == 0 else one for index, one in enumerate(directions)]
    assert fitted(tokens, some).classes == tuple(range(8))
    alone = fitted(tokens, [4] * 24)
    with pytest.raises(FitError, match="no two directions"):
        alone.directions(TensorBatches(tokens))


def test_too_few_slots_and_token_sets_are_refused() -> None:
    with pytest.raises(GridError, match="at least 3 temporal slots, got 2"):
        MotionDescriptor().fit(TensorBatches(torch.randn(2, 2, 4, 4, 3)))
    with pytest.raises(GridError, match="token set"):
        MotionDescriptor().fit(Sets(torch.randn(2, 5, 1, 7, 3)))


def test_chance_is_the_share_of_the_commonest_direction() -> None:
    assert chance([0, 4, 4, None]) == pytest.approx(2 / 3)
    assert chance(list(range(8))) == pytest.approx(1 / 8)
    assert chance([None]) != chance([None])
