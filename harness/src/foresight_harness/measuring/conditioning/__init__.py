"""Between encoder and readout: cached streams through extractor, enhancer and fusion to conditioning grids."""

from __future__ import annotations

from foresight_harness.measuring.conditioning.conditioned import Conditioning
from foresight_harness.measuring.conditioning.pipeline_modules import PipelineModules, build_modules
from foresight_harness.measuring.conditioning.stream_sets import StreamSet

__all__ = ["Conditioning", "PipelineModules", "StreamSet", "build_modules"]
