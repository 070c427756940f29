"""Module B: let every place choose where to read."""

from __future__ import annotations

from foresight_harness.grids import cell_centres
from torch import Tensor, nn

from foresight_sem.deformable_attention import DeformableAttention
from foresight_sem.presets import HEADS, deformable_width
from foresight_sem.tables import PlaceTable


class DeformableEnhancement(nn.Module):
    """One learned query a place reads the grid at offsets that depend on content; nothing is changed before training.

    *Source*: document section 2.1.2 and appendix A.2 (one scale, learned reference points, dense queries); Deformable
    DETR, arXiv 2010.04159. Three differences: a bottleneck; queries carry the token's content, as in Deformable DETR's
    encoder (the sketch's queries are constants, so its offsets could not adapt to content); reference points are
    learned as shifts of the cell centres (the sketch's all start at the centre of the picture).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = deformable_width(width)
        self.down = nn.Linear(width, inner)
        self.norm = nn.LayerNorm(inner)
        self.queries = PlaceTable(inner)
        self.reference = nn.Linear(inner, 2)
        self.attention = DeformableAttention(inner, HEADS)
        self.up = nn.Linear(inner, width)
        nn.init.normal_(self.reference.weight, std=0.02)
        nn.init.zeros_(self.reference.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H, W, C]"""
        _, _, rows, cols, _ = grid.shape
        content = self.norm(self.down(grid)).flatten(0, 1)
        places = self.queries(rows, cols)
        centres = cell_centres(rows, cols, device=grid.device)
        references = (centres.logit() + self.reference(places).float()).sigmoid().reshape(1, -1, 2)
        queries = (content + places).flatten(1, 2)
        changed: Tensor = grid + self.up(self.attention(queries, references, [content])).reshape_as(grid)
        return changed
