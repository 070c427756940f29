"""Holds a checkpoint's ``config.json`` to the model that was asked for. No torch."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from foresight_harness import CheckpointError
from foresight_harness.weights import check_folder

from foresight_cogvlm2.architecture import Architecture
from foresight_cogvlm2.presets import Preset

DEFAULT_KEY_HEADS = 8
"""``num_multi_query_heads`` where a config.json leaves it out, as that of the chat model does."""

VISION_FIELDS = (
    "hidden_size",
    "num_hidden_layers",
    "num_heads",
    "intermediate_size",
    "image_size",
    "patch_size",
    "num_positions",
)
TEXT_FIELDS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_multi_query_heads",
    "intermediate_size",
)


def open_folder(folder: Path, preset: Preset) -> Architecture:
    """Check a checkpoint folder and say what is in it.

    Vocabulary, start token and norm constants are taken from the folder; widths, depths and the tile must be the
    preset's. The configuration names its class and code of its own, which is never run.

    Raises:
        CheckpointError: in one line, if it is something else, of another size, or damaged.
    """
    config = check_folder(
        folder, model_types={preset.class_name}, native={preset.class_name}, expected=f"CogVLM2 ({preset.name})"
    )
    wanted = preset.architecture
    try:
        vision = config["vision_config"]
        text = {"num_multi_query_heads": DEFAULT_KEY_HEADS, **config}
        tower = {**asdict(wanted.vision), "num_positions": wanted.vision.num_positions}
        _require(folder, preset.name, "vision", vision, tower, VISION_FIELDS)
        _require(folder, preset.name, "text", text, asdict(wanted.text), TEXT_FIELDS)
        return Architecture(
            replace(wanted.vision, layer_norm_eps=float(vision["layer_norm_eps"])),
            replace(
                wanted.text,
                vocab_size=int(config["vocab_size"]),
                bos_token_id=int(config["bos_token_id"]),
                rms_norm_eps=float(config["rms_norm_eps"]),
            ),
        )
    except KeyError as error:
        raise CheckpointError(f"{folder}/config.json lacks {error}; is it complete?") from error


def _require(
    folder: Path, name: str, part: str, found: dict[str, Any], wanted: dict[str, Any], fields: tuple[str, ...]
) -> None:
    for field in fields:
        if found[field] != wanted[field]:
            raise CheckpointError(
                f"{folder} is another size than {name}: its {part} {field} is {found[field]}, not {wanted[field]}"
            )
