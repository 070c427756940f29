"""Positions and experts of a sequence, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from foresight_cogvlm2.rotary import Rotary, clip_token_types, position_ids, token_types, visual_tokens


def test_a_picture_stands_between_its_marks_behind_the_start_of_text() -> None:
    assert token_types(4).tolist() == [0, 1, 1, 1, 1, 1, 1]


def test_all_tokens_inside_a_picture_share_one_position() -> None:
    assert position_ids(token_types(4)).tolist() == [0, 1, 2, 2, 2, 2, 3]


def test_text_behind_a_picture_counts_on() -> None:
    types = torch.tensor([0, 0, 1, 1, 1, 1, 0, 0])
    assert position_ids(types).tolist() == [0, 1, 2, 3, 3, 4, 5, 6]


def test_positions_count_on_over_frames_and_the_text_behind_them() -> None:
    types = clip_token_types(3, [1, 2])
    assert types.tolist() == [0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0]
    assert position_ids(types).tolist() == [0, 1, 2, 2, 2, 3, 4, 5, 6, 6, 6, 7, 8, 9]


def test_the_end_mark_of_a_picture_belongs_to_the_language_expert() -> None:
    types = torch.tensor([0, 1, 1, 1, 0, 0, 1, 1])
    assert visual_tokens(types).tolist() == [False, True, True, False, False, False, True, False]


def test_rotation_turns_channel_i_with_channel_i_plus_half() -> None:
    rotary = Rotary(4, 100.0)
    assert rotary.inv_freq.tolist() == pytest.approx([1.0, 0.1])
    turned = rotary(torch.tensor([1.0, 0.0, 0.0, 2.0]).view(1, 1, 1, 4), torch.tensor([3]))[0, 0, 0]
    wanted = [math.cos(3), -2 * math.sin(0.3), math.sin(3), 2 * math.cos(0.3)]
    assert turned.tolist() == pytest.approx(wanted)


def test_published_frequencies_have_base_500000() -> None:
    frequencies = Rotary(128, 500000.0).inv_freq
    assert frequencies.shape == (64,)
    assert float(frequencies[32]) == pytest.approx(500000**-0.5)
