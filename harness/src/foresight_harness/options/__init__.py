"""What a user asks of a run."""

from __future__ import annotations

from foresight_harness.options.options import (
    DatasetChoice,
    RunOptions,
    WeightsSource,
    parse_dataset,
    parse_weights_source,
)
from foresight_harness.options.scale import SCALES, Scale, scale_of

__all__ = [
    "SCALES",
    "DatasetChoice",
    "RunOptions",
    "Scale",
    "WeightsSource",
    "parse_dataset",
    "parse_weights_source",
    "scale_of",
]
