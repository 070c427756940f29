"""The action probe reads what is planted in places and in their order, and says chance where it is not there."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.parts.datasets.motion import heading_of
from foresight_harness.parts.probes.action import (
    CHANNELS,
    ORDERED,
    POOLED,
    SHUFFLED,
    ActionProbe,
    balanced,
    right_answers,
)

NAMES = [f"towards {index}" for index in range(4)]


class Sets(TensorBatches):
    """Token sets, whose places mean nothing."""

    @property
    def shape(self) -> GridShape:
        return GridShape(rows=1, cols=4, width=3, frames=4, is_set=True)


def crossing(count: int, seed: int, width: int = 3) -> tuple[TensorBatches, list[str], list[str]]:
    """A spot that crosses the middle in one of four directions: only its order tells there and back apart."""
    generator = torch.Generator().manual_seed(seed)
    tokens = 0.3 * torch.randn(count, 4, 8, 8, width, generator=generator)
    places = torch.arange(8.0)
    for index in range(count):
        heading = torch.tensor(heading_of(2 * (index % 4)))
        for frame in range(4):
            x, y = 3.5 + (frame - 1.5) * 1.6 * heading + 0.3 * torch.randn(2, generator=generator)
            tokens[index, frame] += 4 * torch.exp(-((places[None] - x) ** 2 + (places[:, None] - y) ** 2))[..., None]
    return TensorBatches(tokens), [f"{seed}:{index}" for index in range(count)], [NAMES[i % 4] for i in range(count)]


def accuracy(name: str, width: int = 3) -> float:
    probe = ActionProbe(name)
    probe.fit(*crossing(120, 0, width))
    features, ids, wanted = crossing(120, 1, width)
    return float(right_answers(probe.predict(features, ids), wanted).mean())


def test_a_planted_direction_is_read_in_order_and_lost_with_it() -> None:
    assert accuracy(ORDERED) >= 0.97
    assert accuracy(ORDERED, width=CHANNELS + 8) >= 0.97  # through the projection
    assert 0.35 <= accuracy(POOLED) <= 0.65  # the axis shows, there and back do not: a half
    assert 0.35 <= accuracy(SHUFFLED) <= 0.65


def test_features_that_know_nothing_score_chance_in_every_view() -> None:
    noise = torch.randn(240, 4, 8, 8, 3, generator=torch.Generator().manual_seed(2))
    ids, actions = [str(index) for index in range(120)], [NAMES[index % 4] for index in range(120)]
    for name in (ORDERED, POOLED, SHUFFLED):
        probe = ActionProbe(name)
        probe.fit(TensorBatches(noise[:120]), ids, actions)
        found = right_answers(probe.predict(TensorBatches(noise[120:]), ids), actions)
        assert found.mean() <= 0.25 + 3 * (0.25 * 0.75 / 120) ** 0.5


def test_clips_without_an_action_are_left_out_of_fit_and_score() -> None:
    features, ids, actions = crossing(40, 0)
    some: list[str | None] = [None if index % 5 == 0 else action for index, action in enumerate(actions)]
    probe = ActionProbe(ORDERED)
    probe.fit(features, ids, some)
    assert probe.classes == tuple(NAMES)
    right = right_answers(probe.predict(features, ids), some)
    assert np.isnan(right).tolist() == [action is None for action in some]


def test_balanced_accuracy_by_hand_is_the_mean_of_the_actions_own_shares() -> None:
    wanted = ["a", "a", "a", "b", None]
    right = np.array([[1.0, 1.0, 0.0, 1.0, np.nan], [1.0, 1.0, 1.0, 0.0, np.nan]])
    assert np.nanmean(balanced(right, wanted), axis=1).tolist() == pytest.approx([(2 / 3 + 1) / 2, 0.5])
    assert Counter(wanted)["a"] == 3


def test_what_cannot_be_told_apart_is_refused_in_a_line() -> None:
    features, ids, actions = crossing(8, 0)
    with pytest.raises(FitError, match=r"probe action_ordered: 1 action\(s\) in the train split"):
        ActionProbe(ORDERED).fit(features, ids, ["a"] * 8)
    with pytest.raises(FitError, match="probe action_pooled: predict before fit"):
        ActionProbe(POOLED).predict(features, ids)
    with pytest.raises(GridError, match="probe action_pooled: 8 clips, 8 names, 7 actions"):
        ActionProbe(POOLED).fit(features, ids, actions[:7])
    with pytest.raises(GridError, match="reads places, and a token set"):
        ActionProbe(POOLED).fit(Sets(torch.zeros(8, 4, 1, 4, 3)), ids, actions)
    probe = ActionProbe(ORDERED)
    probe.fit(features, ids, actions)
    with pytest.raises(GridError, match="fitted to"):
        probe.predict(TensorBatches(features.tokens[:, :3]), ids)
