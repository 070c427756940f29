"""What a user asks of a run."""

from __future__ import annotations

from foresight_harness.planning.options.options import (
    DEFAULT_DATASETS,
    DatasetChoice,
    RunOptions,
    WeightsSource,
    datasets_or,
    parse_dataset,
    parse_weights_source,
)
from foresight_harness.planning.options.scale import DEFAULT_SCALE, SCALES, Scale, scale_of

__all__ = [
    "DEFAULT_DATASETS",
    "DEFAULT_SCALE",
    "SCALES",
    "DatasetChoice",
    "RunOptions",
    "Scale",
    "WeightsSource",
    "datasets_or",
    "parse_dataset",
    "parse_weights_source",
    "scale_of",
]
