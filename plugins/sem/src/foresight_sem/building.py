"""From a design to a module."""

from __future__ import annotations

from foresight_harness.contracts.specs import GridShape
from torch import nn

from foresight_sem import asdrawn
from foresight_sem.coordinates import CoordinateInjection
from foresight_sem.deformable import DeformableEnhancement
from foresight_sem.presets import COORDINATES, DEFORMABLE, Design, output_shape
from foresight_sem.upsampling import LearnedUpsampling


def build(design: Design, shape: GridShape) -> nn.Module:
    """The module of a design for grids of a width; rows and columns may differ from call to call."""
    output_shape(design, shape)
    part = _drawn_part if design.as_drawn else _part
    modules = [part(name, design, shape.width) for name in design.parts]
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def _part(name: str, design: Design, width: int) -> nn.Module:
    if name == COORDINATES:
        return CoordinateInjection(width)
    if name == DEFORMABLE:
        return DeformableEnhancement(width)
    return LearnedUpsampling(width, design.factor)


def _drawn_part(name: str, design: Design, width: int) -> nn.Module:
    if name == COORDINATES:
        return asdrawn.CoordinateInjectionAsDrawn(width)
    if name == DEFORMABLE:
        return asdrawn.DeformableAttentionAsDrawn(width, levels=design.levels)
    return asdrawn.LearnedUpsamplingAsDrawn(width)
