"""Extraction: clips to cached token grids, one decode and one forward per picture for all candidates."""

from __future__ import annotations

from foresight_harness.measuring.extraction.encode import encode_batch, encode_pictures
from foresight_harness.measuring.extraction.pool import EncoderPool
from foresight_harness.measuring.extraction.splits import DecodedSplit, Splits
from foresight_harness.measuring.extraction.stage import Extraction

__all__ = ["DecodedSplit", "EncoderPool", "Extraction", "Splits", "encode_batch", "encode_pictures"]
