"""Train a nano twin of InternVL2: one command, seeded, resumable.

    python -m foresight_internvl2.train_nano --objective what|where|sham --seed N -o FOLDER

The library's own class, initialised by the plugin's own building code. Interrupted, it goes on when started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_vlm_kit.nano import command
from foresight_vlm_kit.nano.assembling import assemble
from foresight_vlm_kit.nano.places import learned_places, sequence_places
from foresight_vlm_kit.nano.words import END
from foresight_vlm_kit.origin import Origin, origin_of
from foresight_vlm_kit.pictures import normalise
from torch import Tensor, nn

from foresight_internvl2.architecture import MEAN, SHUFFLE, STD, Architecture
from foresight_internvl2.blueprint import InternVL2Blueprint
from foresight_internvl2.encoder import unshuffle
from foresight_internvl2.modules import whole_model
from foresight_internvl2.presets import NANO, Size

IMAGE_END_ID = 249
"""Of ``</img>``, which stands between picture and caption."""
PUBLISHED = (
    ("model.language_model.", "language_model.model."),
    ("lm_head.", "language_model.lm_head."),
    ("model.", ""),
)
"""What names of the library's model begin with, and what takes its place in published native checkpoints."""
UNREAD = {
    "lm_head.weight": "language_model.lm_head.weight",
    "model.language_model.norm.weight": "language_model.model.norm.weight",
}
"""What no tap needs, under both names."""


class InternVL2Family:
    """InternVL2 for ``foresight_vlm_kit.nano.command``."""

    name = "internvl2_nano"

    def __init__(self, preset: Size = NANO[0]) -> None:
        """``preset`` gives the configuration, which all nano sizes share."""
        self._preset = preset
        self._prompt = preset.architecture.prefix_ids

    def start(self, seed: int) -> nn.Module:
        """See ``command.Family``: equal to the encoder with random weights of that seed."""
        return self._whole(BuildRequest(weights="random", seed=seed))

    def load(self, folder: Path) -> nn.Module:
        """See ``command.Family``."""
        return self._whole(BuildRequest(weights="nano", source=str(folder)))

    def published(self, model: nn.Module) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
        """See ``command.Family``."""

        def name_of(name: str) -> str:
            ours, theirs = next(pair for pair in PUBLISHED if name.startswith(pair[0]))
            return theirs + name.removeprefix(ours)

        tensors = {name_of(name): tensor for name, tensor in model.state_dict().items()}
        return tensors, native_json(self._preset.architecture)

    def read(self, model: nn.Module, pixels: Tensor, words: Tensor, corners: Tensor | None = None) -> Tensor:
        """See ``loop.Reader``; the sequence is start of text, start of picture, its tokens, its end, caption."""
        whole: Any = model
        architecture, side = self._preset.architecture, pixels.shape[-1] // self._preset.architecture.patch_px
        joined, cells = side // SHUFFLE, architecture.image_px // architecture.patch_px // SHUFFLE
        states = self._tower(whole.model.vision_tower, pixels, corners, side)
        projected = whole.model.multi_modal_projector(unshuffle(states))
        language, prompt = whole.model.language_model, torch.tensor(self._prompt).expand(len(words), -1)
        # Text after a caption's end changes nothing before it: attention is causal.
        ending = torch.full_like(words[:, :1], IMAGE_END_ID)
        told = torch.cat([ending, words[:, :-1].clamp(min=END)], dim=1)
        before, after = (language.embed_tokens(ids) for ids in (prompt, told))
        sequence = torch.cat([before, projected, after], dim=1)
        states = language(
            inputs_embeds=sequence,
            # Said outright: the library would take a jump in the places for the start of another text.
            attention_mask=torch.ones(sequence.shape[:2], dtype=torch.long),
            position_ids=sequence_places(len(self._prompt), corners, joined, cells, after.shape[1]),
            use_cache=False,
        ).last_hidden_state
        scores: Tensor = whole.lm_head(states[:, before.shape[1] + projected.shape[1] :])
        return scores

    @staticmethod
    def _tower(tower: Any, pixels: Tensor, corners: Tensor | None, side: int) -> Tensor:
        """Patch tokens behind the tower. [B, 3, S, S] -> [B, side * side, C]"""
        embeddings = tower.embeddings
        tokens = embeddings.patch_embeddings(normalise(pixels, MEAN, STD))
        first = embeddings.cls_token.expand(len(tokens), -1, -1)
        places = learned_places(embeddings.position_embeddings[0], corners, side)
        states = torch.cat([first, tokens], dim=1) + places
        for block in tower.encoder.layer:
            states = block(states)
        found: Tensor = tower.layernorm(states)[:, 1:]
        return found

    def _whole(self, request: BuildRequest) -> nn.Module:
        origin: Origin = origin_of(self._preset, request, model_types=["internvl"], expected="InternVL2")
        architecture = self._preset.architecture
        return assemble(
            InternVL2Blueprint("internvl", architecture),
            origin,
            lambda: whole_model(architecture),
            vision="model.",
            language="model.language_model.",
            unread=UNREAD,
        )


def native_json(architecture: Architecture) -> dict[str, Any]:
    """The ``config.json`` of the library's own conversion."""
    return {
        "architectures": ["InternVLForConditionalGeneration"],
        "model_type": "internvl",
        "downsample_ratio": 0.5,
        "vision_feature_layer": -1,
        "image_token_id": 250,
        "tie_word_embeddings": False,
        "vision_config": {**architecture.vision, "model_type": "internvl_vision"},
        "text_config": {**architecture.text, "hidden_act": "silu"},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    return command.main(InternVL2Family(), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
