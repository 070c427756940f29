"""Public path: checkpoints, where they come from, what they must look like, how their origin is recorded."""

from __future__ import annotations

from foresight_harness.parts.weights import (
    Provenance,
    check_folder,
    checkpoint_folder,
    exact_tensors,
    provenance_of,
    read_config,
    read_tensors,
    require_complete,
    require_memory,
    resolve_attention,
    weight_files,
)
from foresight_harness.parts.weights.seeding import fill_parameters, seeded_model

__all__ = [
    "Provenance",
    "check_folder",
    "checkpoint_folder",
    "exact_tensors",
    "fill_parameters",
    "provenance_of",
    "read_config",
    "read_tensors",
    "require_complete",
    "require_memory",
    "resolve_attention",
    "seeded_model",
    "weight_files",
]
