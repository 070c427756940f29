"""The way back from the tower's token orders to raster order.

The tower reads patches block by block (2 x 2), then permutes the blocks so that attention windows are contiguous. Only
the merged output is put back by the model; every other place has to be undone here. Reshaping raw block outputs to a
grid scrambles the picture (at 112 x 112 px the permutation is the identity, so small pictures hide it).
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=32)
def raster_index(
    batch: int,
    grid: tuple[int, int, int],
    *,
    merge: int,
    window: int,
    patch: int,
    windowed: bool,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Where each raster cell's token stands in the tower's raw sequence.

    Args:
        batch: Clips of the same grid in one call; the permutation runs over all of them.
        grid: Temporal slots, rows and columns of patches of one clip.
        merge: Side of a block of patches.
        window: Side of an attention window in pixels.
        patch: Side of a patch in pixels.
        windowed: True after the window permutation (blocks), False before it (patch embedding).
        device: Where the index is kept.

    Returns:
        ``raw[index]`` is in raster order. [B * T * H * W] int64
    """
    from transformers.vision_utils import get_vision_window_index

    slots, rows, cols = grid
    blocks = torch.arange(batch * slots * rows * cols).view(-1, merge * merge)
    if windowed:
        order, _ = get_vision_window_index(torch.tensor([grid] * batch), merge, window, patch)
        blocks = blocks[torch.argsort(order)]
    raster = blocks.view(batch, slots, rows // merge, cols // merge, merge, merge).permute(0, 1, 2, 4, 3, 5)
    return raster.reshape(-1).to(device)
