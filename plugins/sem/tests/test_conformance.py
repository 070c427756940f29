"""The enhancers keep the harness's contracts."""

from __future__ import annotations

from foresight_harness.testing import EnhancerConformance


class TestParts(EnhancerConformance):
    """The three parts, which every stack is made of."""

    plugin = "sem"
    modules = ("sem_coord", "sem_deform", "sem_upsample", "sem_upsample_x4")


class TestStacks(EnhancerConformance):
    """The stacks and ablations, at an odd grid."""

    plugin = "sem"
    modules = ("sem", "sem_x4", "sem_no_coord", "sem_no_deform", "sem_no_upsample", "sem_coord_asdrawn")
    shapes = EnhancerConformance.shapes[:1]


class TestMerges(EnhancerConformance):
    """What may replace a 2x2 merger, at the kit's grids of even sides."""

    plugin = "sem"
    modules = ("spatial_merge", "spatial_merge_no_place", "mlp_merge")
