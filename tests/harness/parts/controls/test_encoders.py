from __future__ import annotations

import torch
from foresight_harness.parts.controls.encoders import Constant, Oracle, Pixels, Shuffled, TimeShuffled


def test_pixels_put_each_patch_in_its_own_cell() -> None:
    clips = torch.zeros(1, 1, 3, 28, 42)
    clips[..., :14, 28:] = 1
    grid = Pixels(14, 42).encode(clips, ["patch"])["patch"].tokens
    assert grid.shape == (1, 1, 3, 3, 3 * 14**2)
    brightness = grid.mean(-1)[0, 0]
    assert brightness.argmax() == 2


def test_oracle_is_the_covered_share_of_each_patch() -> None:
    masks = torch.zeros(1, 1, 4, 28, 28)
    masks[:, :, 0, :14, :7] = 1
    grids = Oracle(14, 28).encode(masks, ["mask", "scene"])
    assert grids["mask"].tokens[0, 0].tolist() == [[[0.5], [0.0]], [[0.0], [0.0]]]
    assert grids["scene"].tokens[0, 0, 0].tolist() == [[0.5, 0, 0, 0], [0, 0, 0, 0]]


def test_constant_says_nothing() -> None:
    grid = Constant(14, 28).encode(torch.rand(2, 1, 3, 28, 28), ["patch"])["patch"].tokens
    assert grid.unique().tolist() == [1.0]


def test_shuffled_does_not_depend_on_batching_and_does_on_the_seed() -> None:
    tokens = torch.rand(3, 1, 4, 4, 5)
    together = Shuffled(0).encode(tokens, ["a"])["a"].tokens
    alone = torch.cat([Shuffled(0).encode(tokens[index : index + 1], ["a"])["a"].tokens for index in range(3)])
    assert torch.equal(together, alone)
    assert not torch.equal(together, Shuffled(1).encode(tokens, ["a"])["a"].tokens)


def test_time_shuffled_keeps_every_slot_and_its_places_in_another_order() -> None:
    tokens = torch.randn(6, 9, 2, 2, 3)
    turned = TimeShuffled(0).encode(tokens, ["a"])["a"].tokens
    orders = set()
    for before, after in zip(tokens, turned, strict=True):
        order = [next(place for place in range(9) if torch.equal(before[place], slot)) for slot in after]
        assert sorted(order) == list(range(9))
        orders.add(tuple(order))
    assert len(orders) == 6
    assert torch.equal(TimeShuffled(0).encode(tokens[2:4], ["a"])["a"].tokens, turned[2:4])
    assert torch.equal(TimeShuffled(0).encode(tokens[:, :1], ["a"])["a"].tokens, tokens[:, :1])
