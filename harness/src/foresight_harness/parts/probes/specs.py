"""The built-in probes as specs. Nothing here imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foresight_harness.contracts.specs import ProbeSpec

if TYPE_CHECKING:
    from foresight_harness.contracts.probes import PixelProbe, Probe


def probe_specs() -> tuple[ProbeSpec, ...]:
    """Every built-in probe, the primary one first; docs/measuring.md says why it is that."""
    return (
        ProbeSpec(name="dense_ridge", build=_dense_ridge, primary=True, in_brief_audit=True),
        ProbeSpec(name="soft_argmax", build=_soft_argmax, seeded=True),
        ProbeSpec(name="attentive", build=_attentive, seeded=True),
        ProbeSpec(name="conv", build=_conv, seeded=True),
        ProbeSpec(name="detr", build=_detr, brief=_brief_detr, seeded=True, in_brief_audit=True),
        ProbeSpec(name="knn", build=_knn, seeded=True),
        ProbeSpec(name="linear_pixels", build=_linear_pixels, reads="pixels"),
        ProbeSpec(name="global_pixels", build=_global_pixels, reads="pixels"),
        ProbeSpec(
            name="pooled_mlp",
            build=_pooled_mlp,
            seeded=True,
            audit_only="the mean over tokens forgets where anything was, so a perfect mask scores the floor too",
        ),
        ProbeSpec(
            name="flattened_ridge",
            build=_flattened_ridge,
            audit_only="a box is no linear function of a grid, and there are more weights than pictures: weak on a "
            "perfect mask, though not blind",
        ),
        ProbeSpec(
            name="detr_no_position",
            build=_detr_no_position,
            brief=_brief_detr_no_position,
            seeded=True,
            audit_only="attention without positions cannot tell one place from another, so a perfect mask scores the "
            "floor too",
        ),
    )


def _dense_ridge() -> Probe:
    from foresight_harness.parts.probes.dense_ridge import DenseRidge

    return DenseRidge()


def _knn() -> Probe:
    from foresight_harness.parts.probes.knn import Knn

    return Knn()


def _detr() -> Probe:
    from foresight_harness.parts.probes.detr import DetrProbe

    return DetrProbe()


def _detr_no_position() -> Probe:
    from foresight_harness.parts.probes.detr import DetrProbe

    return DetrProbe("detr_no_position", positions=False)


def _brief_detr() -> Probe:
    from foresight_harness.parts.probes.detr import BRIEF_RECIPE, DetrProbe

    return DetrProbe(recipe=BRIEF_RECIPE)


def _brief_detr_no_position() -> Probe:
    from foresight_harness.parts.probes.detr import BRIEF_RECIPE, DetrProbe

    return DetrProbe("detr_no_position", positions=False, recipe=BRIEF_RECIPE)


def _conv() -> Probe:
    from foresight_harness.parts.probes.single_box import CONV_RECIPE, SingleBoxProbe
    from foresight_harness.parts.probes.single_heads import Convolution

    return SingleBoxProbe("conv", Convolution, recipe=CONV_RECIPE)


def _attentive() -> Probe:
    from foresight_harness.parts.probes.single_box import SingleBoxProbe
    from foresight_harness.parts.probes.single_heads import Attentive

    return SingleBoxProbe("attentive", Attentive)


def _soft_argmax() -> Probe:
    from foresight_harness.parts.probes.single_box import LINEAR_RECIPE, SingleBoxProbe
    from foresight_harness.parts.probes.single_heads import SoftArgmax, narrowed

    return SingleBoxProbe("soft_argmax", SoftArgmax, recipe=LINEAR_RECIPE, prepare=narrowed, version=2)


def _flattened_ridge() -> Probe:
    from foresight_harness.parts.probes.flattened_ridge import FlattenedRidge

    return FlattenedRidge()


def _pooled_mlp() -> Probe:
    from foresight_harness.parts.probes.single_box import SingleBoxProbe
    from foresight_harness.parts.probes.single_heads import PooledMlp, pooled

    return SingleBoxProbe("pooled_mlp", PooledMlp, prepare=pooled)


def _linear_pixels() -> PixelProbe:
    from foresight_harness.parts.probes.linear_pixels import LinearPixels

    return LinearPixels()


def _global_pixels() -> PixelProbe:
    from foresight_harness.parts.probes.global_pixels import GlobalPixels

    return GlobalPixels()
