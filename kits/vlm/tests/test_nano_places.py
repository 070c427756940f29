"""Where close-ups lie in their whole picture."""

from __future__ import annotations

import torch
from foresight_vlm_kit.nano.places import cells_of, learned_places, sequence_places

CORNERS = torch.tensor([[1, 3], [4, 0]])


def test_cells_of_a_close_up_are_a_square_of_the_whole_raster() -> None:
    whole = torch.arange(256).view(16, 16)
    assert torch.equal(cells_of(CORNERS, 8, 16)[0].view(8, 8), whole[2:10, 6:14])
    assert torch.equal(cells_of(CORNERS, 4, 8)[1].view(4, 4), torch.arange(64).view(8, 8)[4:, :4])


def test_learned_places_are_those_of_the_cells_and_of_the_class_token() -> None:
    table = torch.arange(257.0).unsqueeze(1)
    assert torch.equal(learned_places(table, None, 16), table.unsqueeze(0))
    shown = learned_places(table, CORNERS, 8)
    assert shown.shape == (2, 65, 1)
    assert shown[:, 0].eq(0).all()
    assert torch.equal(shown[:, 1:, 0].long(), 1 + cells_of(CORNERS, 8, 16))


def test_captions_are_numbered_on_from_the_whole_picture() -> None:
    whole, close = (sequence_places(2, corners, side, 8, 3)[0] for corners, side in ((None, 8), (CORNERS, 4)))
    assert whole.tolist() == list(range(2 + 64 + 3))
    assert torch.equal(close[2:18], 2 + cells_of(CORNERS, 4, 8)[0])
    assert torch.equal(close[[0, 1, -3, -2, -1]], whole[[0, 1, -3, -2, -1]])
