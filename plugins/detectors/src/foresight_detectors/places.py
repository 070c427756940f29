"""What random weights are given beside drawn values: positions of OWL's patches, queries and frozen norms of DETR."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from foresight_detectors.sizes import Size

AMPLITUDE = 0.3
"""Of positions: patch embeddings of normalised pictures have a standard deviation near 1 at random weights."""

BOX_SPREAD = 0.1
"""Factor of the last map of the box heads of OWL and Grounding DINO: boxes begin at a token, to which they add."""


@torch.no_grad()
def seen_places(model: nn.Module, size: Size, seed: int) -> None:
    """Overwrite tables of positions and queries, whose usual deviation of 0.1 a random network hardly sees; leave boxes
    of OWL and Grounding DINO near their tokens; and set the frozen batch norms of DETR, which are no parameters, to do
    nothing.

    Args:
        model: With seeded weights.
        size: Its family.
        seed: Of the queries, which get a deviation of 1, as the published models began with.
    """
    whole: Any = model
    if size.family == "grounding_dino":
        _draw(whole.model.query_position_embeddings.weight, seed)
        for head in (whole.model.encoder_output_bbox_embed, whole.bbox_embed[0]):
            head.layers[-1].weight.mul_(BOX_SPREAD)
        return
    if size.is_owl:
        vision = whole.get_submodule(size.family).vision_model
        table = vision.embeddings.position_embedding.weight
        side = round((len(table) - 1) ** 0.5)
        table[1:] = smooth_positions(side, table.shape[1]).to(table)
        whole.box_head.dense2.weight.mul_(BOX_SPREAD)
        return
    _draw(whole.model.query_position_embeddings.weight, seed)
    for name, buffer in whole.model.backbone.named_buffers():
        buffer.fill_(1.0 if name.endswith((".weight", ".running_var")) else 0.0)


def _draw(queries: Tensor, seed: int) -> None:
    """Normal values of deviation 1, in place."""
    generator = torch.Generator().manual_seed(seed)
    queries.copy_(torch.empty(queries.shape).normal_(generator=generator))


def smooth_positions(side: int, width: int) -> Tensor:
    """Sines and cosines of row and column: only smooth tables survive interpolation to another grid.

    Args:
        side: Rows and columns of the table.
        width: Channels; a multiple of 4.

    Returns:
        [side * side, width]
    """
    angles = torch.arange(side).unsqueeze(1) * (0.5 * side ** -torch.linspace(0, 1, width // 4))
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows, cols = waves.unsqueeze(1).expand(side, side, -1), waves.unsqueeze(0).expand(side, side, -1)
    return AMPLITUDE * torch.cat([rows, cols], dim=-1).flatten(0, 1)
