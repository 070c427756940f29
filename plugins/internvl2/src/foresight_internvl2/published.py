"""Reads an architecture out of a checkpoint's ``config.json`` and holds it to the size that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from foresight_harness import CheckpointError
from foresight_harness.weights import read_object
from foresight_vlm_kit.origin import Origin, complete, require_size

from foresight_internvl2.architecture import CHAT_FAMILIES, Architecture

Kind = Literal["internvl_chat", "internvl"]
"""``internvl_chat``: as OpenGVLab publishes it; ``internvl``: the native conversion (``-hf`` repositories)."""

SHAPE_FIELDS = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
"""What a checkpoint must share with the size that was asked for, so that the declared taps hold ..."""

TILE_FIELDS = ("image_size", "patch_size")
"""... and, of the tower, the tile that the positions were trained for."""

VISION_FIELDS = {name: name for name in (*SHAPE_FIELDS, *TILE_FIELDS, "layer_norm_eps", "hidden_act", "norm_type")}
VISION_FIELDS |= {"qkv_bias": "attention_bias", "qk_normalization": "use_qk_norm"}
"""Name in an ``internvl_chat`` configuration -> name in the native one."""

TEXT_FIELDS = (*SHAPE_FIELDS, "num_key_value_heads", "vocab_size", "rms_norm_eps", "max_position_embeddings")


def open_checkpoint(origin: Origin, preset: Architecture) -> tuple[Kind, Architecture]:
    """Say what is in a checkpoint.

    Vocabulary, rotary base and the id of ``<img>`` are taken from it; widths and depths must be the preset's.

    Raises:
        CheckpointError: in one line, if it is of another size, incomplete, or a variant that is not implemented.
    """
    assert origin.folder is not None
    kind: Kind = "internvl_chat" if origin.config["model_type"] == "internvl_chat" else "internvl"
    with complete(origin):
        found = (_from_chat if kind == "internvl_chat" else _from_native)(origin.config, origin.folder)
    require_size(origin, "vision", found.vision, preset.vision, SHAPE_FIELDS + TILE_FIELDS)
    require_size(origin, "text", found.text, preset.text, SHAPE_FIELDS)
    start = _image_start_id(origin.folder)
    return kind, replace(
        found, start_ids=preset.start_ids, image_start_id=preset.image_start_id if start is None else start
    )


def _from_chat(config: Mapping[str, Any], folder: Path) -> Architecture:
    text, vision = config["llm_config"], config["vision_config"]
    _require(folder, "llm_config.model_type", text.get("model_type"), CHAT_FAMILIES)
    _require(folder, "llm_config.hidden_act", text.get("hidden_act", "silu"), ("silu",))
    _require(folder, "downsample_ratio", config.get("downsample_ratio", 0.5), (0.5,))
    _require(folder, "ps_version", config.get("ps_version", "v1"), ("v2",))
    _require(folder, "select_layer", config.get("select_layer", -1), (-1,))
    return Architecture(
        vision={ours: vision[theirs] for theirs, ours in VISION_FIELDS.items()},
        text=_text(text),
    )


def _from_native(config: Mapping[str, Any], folder: Path) -> Architecture:
    text, vision = config["text_config"], config["vision_config"]
    _require(folder, "text_config.model_type", text.get("model_type"), ("qwen2", "llama"))
    _require(folder, "text_config.hidden_act", text.get("hidden_act", "silu"), ("silu",))
    _require(folder, "downsample_ratio", config.get("downsample_ratio", 0.5), (0.5,))
    _require(folder, "vision_feature_layer", config.get("vision_feature_layer", -1), (-1,))
    fields = {name: vision[name] for name in VISION_FIELDS.values()}
    for name in ("image_size", "patch_size"):
        sides = fields[name] if isinstance(fields[name], list) else [fields[name]] * 2
        _require(folder, f"vision_config.{name}", sides[0], (sides[1],))
        fields[name] = sides[0]
    return Architecture(vision=fields, text=_text(text))


def _text(config: Mapping[str, Any]) -> dict[str, Any]:
    rope = config.get("rope_parameters")
    if rope is None:
        scaling = dict(config.get("rope_scaling") or {})
        kind = scaling.pop("rope_type", None) or scaling.pop("type", None) or "default"
        rope = {**scaling, "rope_type": kind, "rope_theta": float(config["rope_theta"])}
        rope.pop("type", None)
    fields = {name: config[name] for name in TEXT_FIELDS}
    return {"model_type": config["model_type"], **fields, "rope_parameters": dict(rope)}


def _require(folder: Path, field: str, found: object, accepted: tuple[object, ...]) -> None:
    if found not in accepted:
        raise CheckpointError(
            f"{folder}/config.json: {field} is {found!r}; only {' or '.join(map(repr, accepted))} is implemented here, "
            "and the checkpoint's own code is never run"
        )


def _image_start_id(folder: Path) -> int | None:
    """Id of ``<img>`` as the checkpoint's tokenizer files give it; None where they do not."""
    path = folder / "added_tokens.json"
    found = read_object(path).get("<img>") if path.is_file() else None
    return None if found is None else int(found)
