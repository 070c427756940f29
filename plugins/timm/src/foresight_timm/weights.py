"""Checkpoints of timm, a folder in the layout of the Hub or one safetensors file: they fill a model or are refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from foresight_harness import BuildRequest, CheckpointError
from foresight_harness.weights import checkpoint_folder, read_config, read_tensors, require_complete
from torch import Tensor

from foresight_timm.presets import Preset

HEADS = (r"^head\.", r"^head_dist\.")
"""Classifiers and projections behind the tokens are left out."""


def read_checkpoint(preset: Preset, request: BuildRequest) -> tuple[Path, dict[str, Tensor]]:
    """Find and read the checkpoint that was asked for, before any model is built.

    Returns:
        Where it lies, and its tensors under their published names.

    Raises:
        CheckpointError: in one line.
    """
    if request.source is not None and Path(request.source).is_file():
        return Path(request.source), _read_file(Path(request.source))
    folder = checkpoint_folder(request.source, preset.repo, None)
    config = read_config(folder)
    wanted = preset.architecture.partition(".")[0]
    found = config.get("architecture")
    if found != wanted:
        kind = found or config.get("model_type")
        raise CheckpointError(f"{folder} is a {kind!r} checkpoint; {preset.name} needs timm's {wanted!r}")
    if config.get("auto_map"):
        raise CheckpointError(f"{folder}/config.json asks to run its own code, which is never done")
    return folder, dict(read_tensors(folder))


def fill(model: Any, place: Path, tensors: dict[str, Tensor]) -> None:
    """Fill a model exactly.

    timm's own filter brings original layouts to its names and resamples positions to the model's grid.

    Args:
        model: Built for the side that was asked for.
        place: Where the tensors come from, for the message.
        tensors: Under their published names.

    Raises:
        CheckpointError: in one line.
    """
    adapt = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    found: dict[str, Tensor] = adapt(tensors, model) if adapt is not None else tensors
    wanted: dict[str, Tensor] = model.state_dict()
    shared = found.keys() & wanted.keys()
    other_shape = [name for name in shared if found[name].shape != wanted[name].shape]
    require_complete(
        place,
        missing=wanted.keys() - found.keys(),
        unexpected=found.keys() - wanted.keys(),
        mismatched=other_shape,
        ignore=HEADS,
    )
    model.load_state_dict({name: found[name] for name in shared}, strict=True)


def _read_file(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix != ".safetensors":
        raise CheckpointError(f"{path} is no safetensors file, and pickles can run code when read; convert it first")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path} cannot be read ({error}); download it again") from error
