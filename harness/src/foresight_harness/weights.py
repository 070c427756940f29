"""Public path: checkpoints, where they come from, what they must look like, how their origin is recorded."""

from __future__ import annotations

from foresight_harness.parts.weights.attention import resolve_attention
from foresight_harness.parts.weights.checkpoint import (
    FETCHED,
    check_folder,
    checkpoint_folder,
    read_config,
    weight_files,
)
from foresight_harness.parts.weights.loading import exact_tensors, read_tensors, require_complete
from foresight_harness.parts.weights.preflight import require_memory
from foresight_harness.parts.weights.provenance import LoadedFile, Provenance, library_file, provenance_of
from foresight_harness.parts.weights.seeding import fill_parameters, seeded_model

__all__ = [
    "FETCHED",
    "LoadedFile",
    "Provenance",
    "check_folder",
    "checkpoint_folder",
    "exact_tensors",
    "fill_parameters",
    "library_file",
    "provenance_of",
    "read_config",
    "read_tensors",
    "require_complete",
    "require_memory",
    "resolve_attention",
    "seeded_model",
    "weight_files",
]
