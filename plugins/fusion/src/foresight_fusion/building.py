"""From a name to a module."""

from __future__ import annotations

from collections.abc import Sequence

from foresight_harness.contracts.specs import GridShape
from torch import nn

from foresight_fusion import presets
from foresight_fusion.asdrawn import DualStreamAsDrawn, QFormerAsDrawn
from foresight_fusion.dual_stream import DualStreamFusion
from foresight_fusion.film import FilmFusion
from foresight_fusion.gated import GatedFusion
from foresight_fusion.perceiver import PerceiverFusion
from foresight_fusion.qformer import QFormerFusion


def build(name: str, shapes: Sequence[GridShape]) -> nn.Module:
    """The module of a fusion for streams of given widths; rows and columns may differ from call to call."""
    widths = [shape.width for shape in shapes]
    if name == "film":
        presets.first_grid_shape(name, presets.TWO_OR_MORE, True, shapes)
        return FilmFusion(widths)
    if name == "gated":
        presets.first_grid_shape(name, presets.TWO_OR_MORE, True, shapes)
        return GatedFusion(widths)
    if name == "dual_stream":
        presets.first_grid_shape(name, presets.EXACTLY_TWO, False, shapes)
        return DualStreamFusion(widths[0], widths[1], presets.dual_stream_width(shapes))
    if name == "dual_stream_asdrawn":
        presets.drawn_dual_stream_shape(shapes)
        return DualStreamAsDrawn(widths[0], widths[1])
    if name == "perceiver":
        return PerceiverFusion(widths, presets.perceiver_shape(shapes).width)
    if name == "qformer":
        return QFormerFusion(widths, presets.qformer_shape(shapes).width)
    presets.drawn_qformer_shape(shapes)
    return QFormerAsDrawn(widths[0], widths[1])
