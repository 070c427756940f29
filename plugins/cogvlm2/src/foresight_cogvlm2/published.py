"""Holds a checkpoint's ``config.json`` to the model that was asked for."""

from __future__ import annotations

from dataclasses import asdict, replace

from foresight_harness.weights import require_facts
from foresight_vlm_kit.origin import Origin, complete, require_size

from foresight_cogvlm2.architecture import Architecture
from foresight_cogvlm2.presets import Size

DEFAULT_KEY_HEADS = 8
"""``num_multi_query_heads`` where a config.json leaves it out, as that of the chat model does."""

SHAPE_FIELDS = ("hidden_size", "num_hidden_layers", "intermediate_size")
VISION_FIELDS = (*SHAPE_FIELDS, "num_heads", "image_size", "patch_size", "num_positions")
TEXT_FIELDS = (*SHAPE_FIELDS, "num_attention_heads", "num_multi_query_heads")


def open_checkpoint(origin: Origin, preset: Size) -> Architecture:
    """Say what is in a checkpoint.

    Vocabulary, start token and norm constants are taken from the folder; widths, depths and the tile must be the
    preset's. The configuration names its class and code of its own, which is never run.

    Raises:
        CheckpointError: in one line, if it is incomplete or of another size.
    """
    wanted, config = preset.architecture, origin.config
    with complete(origin):
        vision = config["vision_config"]
        tower = {**asdict(wanted.vision), "num_positions": wanted.vision.num_positions}
        require_size(origin, "vision", vision, tower, VISION_FIELDS)
        where = f"{origin.folder}/config.json"
        require_facts(f"{where}: vision_config", vision, {"hidden_act": "gelu"}, ["hidden_act"], preset.name)
        require_facts(where, config, {"hidden_act": "silu"}, ["hidden_act"], preset.name)
        text = {"num_multi_query_heads": DEFAULT_KEY_HEADS, **config}
        require_size(origin, "text", text, asdict(wanted.text), TEXT_FIELDS)
        return Architecture(
            replace(wanted.vision, layer_norm_eps=float(vision["layer_norm_eps"])),
            replace(
                wanted.text,
                vocab_size=int(config["vocab_size"]),
                bos_token_id=int(config["bos_token_id"]),
                rms_norm_eps=float(config["rms_norm_eps"]),
            ),
        )
