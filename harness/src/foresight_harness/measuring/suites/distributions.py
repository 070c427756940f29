"""What the reconstruction suite says of all decoded clips together: Frechet distances between sets of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor

from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.contracts.protocols import ClipFeatures
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.measuring.suites.references import References, mean_picture
from foresight_harness.parts.metrics.frechet import LEAST, frechet_distance

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell


def distribution_metrics(cell: Cell) -> list[MetricSpec]:
    """Metrics of sets of clips on offer; none on pictures."""
    found = cell.bench.registry.metrics.values()
    return [spec for spec in found if spec.compares == "distributions"] if cell.clips else []


def network(cell: Cell, spec: MetricSpec) -> ClipFeatures:
    """The built network of a metric, once a run. Raises: CheckpointError from its plugin."""
    return cast("ClipFeatures", cell.bench.built_metrics([spec])[spec.name])


def distances(cell: Cell, outputs: Sequence[Tensor], known: References) -> tuple[list[Measurement], dict[str, Any]]:
    """The distance of each seed's clips from the targets, averaged over seeds: a set has no value a sample.

    Args:
        cell: Of clips.
        outputs: Decoded clips, one tensor a seed. S x [n, T, 3, H_px, W_px]
        known: Targets, their round trip, and features of both from earlier cells.

    Returns:
        Measurements, and what stands in for them in details where no network is there.
    """
    specs = distribution_metrics(cell)
    count = len(known.targets)
    if not specs:
        reason = "no trained video network was named (fvd_videomae: set FORESIGHT_FVD_VIDEOMAE to a checkpoint folder)"
        return [], {"fvd": f"unavailable: {reason}"}
    if count < LEAST:
        return [], {"fvd": f"unavailable: {count} decoded clips are no set"}
    return [_measured(cell, spec, outputs, known) for spec in specs], {}


def _measured(cell: Cell, spec: MetricSpec, outputs: Sequence[Tensor], known: References) -> Measurement:
    features = network(cell, spec)
    if spec.name not in known.features:
        mean = mean_picture(cell.split("train")).expand_as(known.targets[:1])
        known.features[spec.name] = features(known.targets), features(known.round_trip), features(mean)
    target, best, worst = known.features[spec.name]
    by_seed = [frechet_distance(features(output), target) for output in outputs]
    return Measurement(
        metric=spec.name,
        unit=spec.unit,
        direction=spec.direction,
        range=spec.range,
        value=sum(by_seed) / len(by_seed),
        n=len(known.targets),
        seeds=cell.seeds,
        gateable=False,
        floor=frechet_distance(worst.expand_as(target), target),
        floor_by="mean_picture",
        ceiling=frechet_distance(best, target),
        ceiling_by="round_trip",
        details={"by_seed": by_seed, "feature_width": target.shape[1], "network": dict(features.facts())},
    )
