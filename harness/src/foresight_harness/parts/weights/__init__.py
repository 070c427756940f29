"""Checkpoints: where they come from, what they must look like, and how their origin is recorded."""

from __future__ import annotations

from foresight_harness.parts.weights.attention import resolve_attention
from foresight_harness.parts.weights.checkpoint import check_folder, checkpoint_folder, read_config, weight_files
from foresight_harness.parts.weights.loading import exact_tensors, read_tensors, require_complete
from foresight_harness.parts.weights.preflight import require_memory
from foresight_harness.parts.weights.provenance import Provenance, provenance_of

__all__ = [
    "Provenance",
    "check_folder",
    "checkpoint_folder",
    "exact_tensors",
    "provenance_of",
    "read_config",
    "read_tensors",
    "require_complete",
    "require_memory",
    "resolve_attention",
    "weight_files",
]
