"""Public path: checkpoints, where they come from, what they must look like, how their origin is recorded."""

from __future__ import annotations

from foresight_harness.parts.weights.attention import resolve_attention
from foresight_harness.parts.weights.checkpoint import (
    FETCHED,
    check_folder,
    check_weights,
    checkpoint_folder,
    read_config,
    read_object,
)
from foresight_harness.parts.weights.files.config_facts import read_by_library, require_facts, require_processor
from foresight_harness.parts.weights.files.headers import header_of
from foresight_harness.parts.weights.files.library_folder import library_folder
from foresight_harness.parts.weights.files.tensor_names import HEADS, is_head, prefix_of, wrapper_of
from foresight_harness.parts.weights.files.weight_files import weight_files
from foresight_harness.parts.weights.formats import require_loading
from foresight_harness.parts.weights.loading import (
    differing,
    exact_tensors,
    read_file,
    read_tensors,
    require_complete,
)
from foresight_harness.parts.weights.preflight import require_memory
from foresight_harness.parts.weights.provenance import LoadedFile, Provenance, library_file, provenance_of
from foresight_harness.parts.weights.seeding import fill_parameters, seeded_model

__all__ = [
    "FETCHED",
    "HEADS",
    "LoadedFile",
    "Provenance",
    "check_folder",
    "check_weights",
    "checkpoint_folder",
    "differing",
    "exact_tensors",
    "fill_parameters",
    "header_of",
    "is_head",
    "library_file",
    "library_folder",
    "prefix_of",
    "provenance_of",
    "read_by_library",
    "read_config",
    "read_file",
    "read_object",
    "read_tensors",
    "require_complete",
    "require_facts",
    "require_loading",
    "require_memory",
    "require_processor",
    "resolve_attention",
    "seeded_model",
    "weight_files",
    "wrapper_of",
]
