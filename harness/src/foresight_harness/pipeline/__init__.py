"""Between encoder and readout: cached streams through extractor, enhancer and fusion to conditioning grids."""

from __future__ import annotations

from foresight_harness.pipeline.conditioning import Conditioning
from foresight_harness.pipeline.modules import PipelineModules, build_modules
from foresight_harness.pipeline.streams import StreamSet

__all__ = ["Conditioning", "PipelineModules", "StreamSet", "build_modules"]
