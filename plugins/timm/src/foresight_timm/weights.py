"""Checkpoints of timm, a folder in the layout of the Hub or one safetensors file: they fill a model or are refused."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any

from foresight_harness import BuildRequest, CheckpointError
from foresight_harness.weights import (
    HEADS,
    checkpoint_folder,
    differing,
    prefix_of,
    read_config,
    read_file,
    read_tensors,
    require_complete,
    require_facts,
    wrapper_of,
)
from torch import Tensor

from foresight_timm.presets import Preset

ANCHOR = "patch_embed.proj.weight"
"""A tensor that every ViT of timm has."""
TIMMS_OWN = ("", "image_encoder.", "visual.trunk.", "visual.", "encoder.", "vision_encoder.")
"""What stands in front of names in layouts that timm itself brings to its own."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
LAYERS = ("act_layer", "norm_layer", "mlp_layer")
UNSEEN = frozenset({*LAYERS, "num_heads"})
"""Arguments of a configuration that change features and no tensor's shape."""


def read_checkpoint(preset: Preset, request: BuildRequest) -> tuple[Path, dict[str, Tensor]]:
    """Find and read the checkpoint that was asked for, before any model is built.

    Returns:
        Where it lies, and its tensors under their published names.

    Raises:
        CheckpointError: in one line.
    """
    if request.source is not None and Path(request.source).is_file():
        file = Path(request.source)
        if file.suffix in PICKLES:
            raise CheckpointError(
                f"{file} is a pickle, which can run code when read; only safetensors are loaded. Convert it first"
            )
        return file, dict(read_file(file))
    folder = checkpoint_folder(request.source, preset.repo, None)
    _require_same(preset, folder, read_config(folder))
    return folder, dict(read_tensors(folder))


def _require_same(preset: Preset, folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse a configuration of another architecture, of other colours, or of other weights than the name promises.

    Raises:
        CheckpointError: naming the first difference.
    """
    wanted, _, tag = preset.architecture.partition(".")
    found = config.get("architecture")
    if found != wanted:
        kind = found or config.get("model_type")
        raise CheckpointError(f"{folder} is a {kind!r} checkpoint; {preset.name} needs timm's {wanted!r}")
    if config.get("auto_map"):
        raise CheckpointError(f"{folder}/config.json asks to run its own code, which is never done")
    own: Mapping[str, Any] = config.get("pretrained_cfg") or {}
    if tag and own.get("tag") not in (None, "", tag):
        raise CheckpointError(
            f"{folder}/config.json: these are the weights {own['tag']!r} of {wanted}, {preset.name} means {tag!r}; "
            f"score them as timm:{wanted}.{own['tag']}"
        )
    mean, std = preset.colours
    said = {"mean": own.get("mean"), "std": own.get("std"), "interpolation": own.get("interpolation")}
    said = {f"pretrained_cfg.{name}": value for name, value in said.items() if value}
    ours = {"mean": mean, "std": std, "interpolation": preset.interpolation}
    built = {f"pretrained_cfg.{name}": value for name, value in ours.items()}
    require_facts(folder / "config.json", said, built, built, preset.name)
    given = {name: value for name, value in (config.get("model_args") or {}).items() if name in UNSEEN}
    built = dict.fromkeys(LAYERS) | dict(preset.arguments)
    require_facts(folder / "config.json", given, built, given, preset.name)


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
    wanted: dict[str, Tensor] = model.state_dict()
    tensors = _bare(tensors, place)
    _require_patches(model, place, tensors)
    found = _adapted(model, place, tensors)
    shared = found.keys() & wanted.keys()
    require_complete(
        place,
        missing=wanted.keys() - found.keys(),
        unexpected=found.keys() - wanted.keys(),
        mismatched=differing(found, wanted),
        ignore=HEADS,
    )
    model.load_state_dict({name: found[name] for name in shared}, strict=True)


def _bare(tensors: dict[str, Tensor], place: Path) -> dict[str, Tensor]:
    """The model alone, under its own names; what surrounds it in a larger checkpoint is left out.

    Layouts that timm brings to its own names stay as they are.
    """
    wrapper = wrapper_of(tensors)
    tensors = {name.removeprefix(wrapper): tensor for name, tensor in tensors.items()}
    prefix = prefix_of(tensors, ANCHOR, place)
    if prefix in TIMMS_OWN:
        return tensors
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _require_patches(model: Any, place: Path, tensors: Mapping[str, Tensor]) -> None:
    """Refuse what timm would resample without a word, or fail at: patches of another size, positions of no square.

    Raises:
        CheckpointError: naming the tensor and both shapes.
    """
    patches = tensors.get(ANCHOR)
    if patches is not None and patches.ndim == 4 and patches.shape != model.patch_embed.proj.weight.shape:
        require_complete(place, mismatched=differing({ANCHOR: patches}, {ANCHOR: model.patch_embed.proj.weight}))
    positions, table = tensors.get("pos_embed"), getattr(model, "pos_embed", None)
    if positions is None or table is None or positions.ndim != 3 or table.ndim != 3:
        return
    before = 0 if getattr(model, "no_embed_class", False) else int(getattr(model, "num_prefix_tokens", 1))
    left = positions.shape[1] - before
    if left < 1 or isqrt(left) ** 2 != left or positions.shape[2] != table.shape[2]:
        hint = "; the class token's position is missing" if isqrt(left + before) ** 2 == left + before else ""
        raise CheckpointError(
            f"{place}: pos_embed is {tuple(positions.shape)}, the model's {tuple(table.shape)}: {before} and a square "
            f"of positions{hint}"
        )


def _adapted(model: Any, place: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under timm's names, positions on the model's grid. Raises: CheckpointError where timm cannot do it."""
    adapt = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if adapt is None:
        return tensors
    try:
        found: dict[str, Tensor] = adapt(tensors, model)
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise CheckpointError(
            f"{place} cannot be brought to timm's layout ({type(error).__name__}: {reason}); is it of this model?"
        ) from error
    return found
