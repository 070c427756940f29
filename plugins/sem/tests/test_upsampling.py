"""Norm groups and shuffles of learned upsampling."""

from __future__ import annotations

import pytest
import torch
from foresight_sem.upsampling import ResidualBlock, group_count, shuffle_block

torch.set_num_threads(1)


@pytest.mark.parametrize(("channels", "groups"), [(128, 32), (136, 17), (34, 2), (8, 2), (2, 1), (512, 32)])
def test_groups_divide_the_channels_and_hold_four_of_them(channels: int, groups: int) -> None:
    assert group_count(channels) == groups
    assert channels % groups == 0


def test_a_shuffle_quarters_the_channels_and_doubles_the_grid() -> None:
    assert shuffle_block(32)(torch.randn(2, 32, 3, 5)).shape == (2, 8, 6, 10)


def test_a_block_of_equal_widths_adds_to_its_input() -> None:
    block = ResidualBlock(8, 8)
    for parameter in block.branch[-1].parameters():
        torch.nn.init.zeros_(parameter)
    feature_map = torch.randn(1, 8, 3, 3)
    assert torch.equal(block(feature_map), feature_map)
