"""Reference rows of reconstruction on one data set through one decoder, kept for every candidate read by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from foresight_harness.contracts.protocols import Metric
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.planning.plugin_calls import calling


@dataclass(frozen=True)
class References:
    """Targets and what the best and the worst sensible answers score on them."""

    targets: Tensor
    """[n, T, 3, H_px, W_px]"""
    masks: tuple[Tensor, ...]
    """One plane an object, none where the data set has no masks. n x [T, N_i, H_px, W_px] bool"""
    round_trip: Tensor
    """The decoder's own encoding, decoded. [n, T, 3, H_px, W_px]"""
    floor: dict[str, float]
    ceiling: dict[str, float]
    built: dict[str, Metric]
    features: dict[str, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)
    """Of targets, round trip and mean picture, by metric of sets of clips; filled when first asked for. [n, d] each"""
    first_frame: dict[str, Tensor] = field(default_factory=dict)
    """Values of clips that a generator continued from the true first frame, by metric. [n] float64 each"""

    def compared(self, spec: MetricSpec, output: Tensor) -> Tensor:
        """Values of a metric, with what it compares. [n, T, 3, H_px, W_px] -> [n] float64"""
        return compared(self.built[spec.name], spec, output, self.targets, self.masks)

    def bounds(self, metric: str) -> dict[str, Any]:
        """Floor and ceiling as a measurement takes them."""
        return {
            "floor": self.floor[metric],
            "floor_by": "mean_picture",
            "ceiling": self.ceiling[metric],
            "ceiling_by": "round_trip",
        }


def compared(metric: Metric, spec: MetricSpec, output: Tensor, targets: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """Values of a metric on decoded clips, beside targets or beside targets and masks. -> [n] float64"""
    with calling(metric, "call", random=True):
        return metric(output, (targets, masks) if spec.compares == "objects" else targets)
