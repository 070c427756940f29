"""Train a nano twin of CogVLM2: one command, seeded, resumable.

    python -m foresight_cogvlm2.train_nano --objective what|where|sham --seed N -o FOLDER

The plugin's own modules with their visual experts, initialised by its building code. Interrupted, it goes on when
started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_vlm_kit.nano import command
from foresight_vlm_kit.nano.assembling import assemble
from foresight_vlm_kit.nano.places import learned_places
from foresight_vlm_kit.nano.words import END
from foresight_vlm_kit.origin import origin_of
from foresight_vlm_kit.pictures import normalise
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from torch import Tensor, nn

from foresight_cogvlm2.blueprint import CogVLM2Blueprint
from foresight_cogvlm2.model import CogVLM2
from foresight_cogvlm2.presets import NANO, Size
from foresight_cogvlm2.rotary import position_ids, token_types, visual_tokens

UNREAD = {name: name for name in ("lm_head.weight", "model.norm.weight")}
"""What no tap needs."""


class CogVLM2Family:
    """CogVLM2 for ``foresight_vlm_kit.nano.command``."""

    name = "cogvlm2_nano"

    def __init__(self, preset: Size = NANO[0]) -> None:
        """``preset`` gives the configuration, which all nano sizes share."""
        self._preset = preset

    def start(self, seed: int) -> nn.Module:
        """See ``command.Family``: equal to the encoder with random weights of that seed."""
        return self._whole(BuildRequest(weights="random", seed=seed))

    def load(self, folder: Path) -> nn.Module:
        """See ``command.Family``."""
        return self._whole(BuildRequest(weights="nano", source=str(folder)))

    def published(self, model: nn.Module) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
        """See ``command.Family``."""
        return dict(model.state_dict()), published_json(self._preset)

    def read(self, model: nn.Module, pixels: Tensor, words: Tensor, corners: Tensor | None = None) -> Tensor:
        """See ``loop.Reader``; the sequence is start of text, start of picture, its tokens, its end, caption.

        All tokens of a picture share one rotary position, whatever part of a picture they show.
        """
        whole: Any = model
        language, vision = whole.model, whole.model.vision
        states = self._tower(vision, pixels, corners)
        seen = vision.linear_proj(vision.convolve(states))
        start = torch.full_like(words[:, :1], self._preset.architecture.text.bos_token_id)
        # Text after a caption's end changes nothing before it: attention is causal.
        bos, told = (language.embed_tokens(ids) for ids in (start, words[:, :-1].clamp(min=END)))
        boi, eoi = (mark.expand(len(words), -1, -1) for mark in (vision.boi, vision.eoi))
        sequence = torch.cat([bos, boi, seen, eoi, told], dim=1)
        types = torch.cat([token_types(seen.shape[1]), torch.zeros(told.shape[1], dtype=torch.long)])
        visual, positions = visual_tokens(types), position_ids(types)
        for layer in language.layers:
            sequence = layer(sequence, visual, positions)
        scores: Tensor = whole.lm_head(language.norm(sequence[:, 2 + seen.shape[1] :]))
        return scores

    def _tower(self, vision: Any, pixels: Tensor, corners: Tensor | None) -> Tensor:
        """Patch tokens behind the tower. [B, 3, S, S] -> [B, cells, C]"""
        embedding = vision.patch_embedding
        tokens = embedding.patches(normalise(pixels, CLIP_MEAN, CLIP_STD))
        first = embedding.cls_embedding.expand(len(tokens), 1, -1)
        places = learned_places(embedding.position_embedding.weight, corners, round(tokens.shape[1] ** 0.5))
        states = torch.cat([first, tokens], dim=1) + places
        for block in vision.transformer.layers:
            states = block(states)
        return states[:, 1:]

    def _whole(self, request: BuildRequest) -> nn.Module:
        kinds = [self._preset.class_name]
        origin = origin_of(self._preset, request, model_types=kinds, native=kinds, expected="CogVLM2")
        architecture = self._preset.architecture
        return assemble(
            CogVLM2Blueprint(architecture),
            origin,
            lambda: CogVLM2(architecture),
            vision="model.vision.",
            language="model.",
            unread=UNREAD,
        )


def published_json(preset: Size) -> dict[str, Any]:
    """The ``config.json`` in the published layout, without the code that published ones name."""
    vision, text = preset.architecture.vision, preset.architecture.text
    return {
        "architectures": [preset.class_name],
        "vision_config": {
            "dropout_prob": 0.0,
            "hidden_act": "gelu",
            "hidden_size": vision.hidden_size,
            "image_size": vision.image_size,
            "in_channels": vision.in_channels,
            "intermediate_size": vision.intermediate_size,
            "layer_norm_eps": vision.layer_norm_eps,
            "num_heads": vision.num_heads,
            "num_hidden_layers": vision.num_hidden_layers,
            "num_positions": vision.num_positions,
            "patch_size": vision.patch_size,
        },
        "bos_token_id": text.bos_token_id,
        "eos_token_id": END,
        "hidden_act": "silu",
        "hidden_size": text.hidden_size,
        "intermediate_size": text.intermediate_size,
        "num_attention_heads": text.num_attention_heads,
        "num_hidden_layers": text.num_hidden_layers,
        "num_multi_query_heads": text.num_multi_query_heads,
        "rms_norm_eps": text.rms_norm_eps,
        "vocab_size": text.vocab_size,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    return command.main(CogVLM2Family(), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
