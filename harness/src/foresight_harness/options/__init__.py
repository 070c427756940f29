"""What a user asks of a run."""

from __future__ import annotations

from foresight_harness.options.options import DatasetChoice, RunOptions, parse_dataset
from foresight_harness.options.scale import SCALES, Scale, scale_of

__all__ = ["SCALES", "DatasetChoice", "RunOptions", "Scale", "parse_dataset", "scale_of"]
