"""The order that Qwen2.5-VL's tower leaves its tokens in; the plugin's tests compare it with the published function."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.parts.controls.window_order import WindowOrder, window_order
from foresight_harness.planning.candidates import parse_candidate, resolve


@pytest.mark.parametrize("size", [(16, 16), (16, 24), (10, 14)])
def test_every_token_is_kept_once_and_the_same_way_in_every_picture(size: tuple[int, int]) -> None:
    tokens = torch.arange(size[0] * size[1]).float().view(1, 1, *size, 1).repeat(2, 3, 1, 1, 1)
    out = WindowOrder().encode(tokens, ["a"])["a"].tokens
    assert out.shape == tokens.shape
    assert out[0, 0].flatten().sort().values.tolist() == list(range(size[0] * size[1]))
    assert bool((out == out[0, 0]).all())
    assert not torch.equal(out, tokens)


def test_the_first_window_comes_first_block_by_block() -> None:
    """By hand: rows of 16; the first block is (0,0) (0,1) (1,0) (1,1), the fifth starts the next row of blocks."""
    order = window_order(16, 16).tolist()
    assert order[:8] == [0, 1, 16, 17, 2, 3, 18, 19]
    assert order[16:18] == [32, 33]
    assert order[64] == 8


def test_window_order_alone_scrambles_pixels_and_is_no_candidate(builtins) -> None:
    scrambled = resolve(parse_candidate("window_order@patch/identity/single/linear"), builtins)
    assert scrambled.role == "floor"
    assert scrambled.streams[0].encoder.derives_from == "pixels"
