"""Train a nano twin of LLaVA-NeXT: one command, seeded, resumable.

    python -m foresight_llava_next.train_nano --objective what|where|sham --seed N -o FOLDER

The real class, initialised by the plugin's own building code; a picture is one base tile. The tower's last block, which
the projector does not read, is not trained. Interrupted, it goes on when started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.parts.weights.seeding import fill_parameters
from foresight_vlm_kit.nano import command
from foresight_vlm_kit.nano.places import learned_places, sequence_places
from foresight_vlm_kit.nano.words import END
from foresight_vlm_kit.origin import origin_of
from foresight_vlm_kit.pictures import normalise
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from safetensors.torch import load_file
from torch import Tensor, nn

from foresight_llava_next.parts import build_connector, library_model
from foresight_llava_next.presets import NANO, Size
from foresight_llava_next.taps import feature_block

HEAD = "language_model.lm_head.weight"
PUBLISHED = (
    ("model.vision_tower.", "vision_tower.vision_model."),
    ("model.language_model.", "language_model.model."),
    ("lm_head.", "language_model.lm_head."),
    ("model.", ""),
)
"""What names of the library's model begin with, and what takes its place in published checkpoints."""


class LlavaNextFamily:
    """LLaVA-NeXT for ``foresight_vlm_kit.nano.command``."""

    name = "llava_next_nano"

    def __init__(self, preset: Size = NANO[0]) -> None:
        """``preset`` gives the configuration, which all nano sizes share."""
        self._preset = preset
        self._prompt = preset.prompt_ids or ()
        self._blocks = feature_block(preset.config) + 1

    def start(self, seed: int) -> nn.Module:
        """See ``command.Family``: equal to the encoder with random weights of that seed."""
        model = self._whole(BuildRequest(weights="random", seed=seed))
        fill_parameters(model.get_submodule("lm_head"), seed, "lm_head")
        return model

    def load(self, folder: Path) -> nn.Module:
        """See ``command.Family``."""
        model = self._whole(BuildRequest(weights="nano", source=str(folder)))
        with torch.no_grad():
            model.get_parameter("lm_head.weight").copy_(load_file(folder / command.WEIGHTS)[HEAD])
        return model

    def published(self, model: nn.Module) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
        """See ``command.Family``."""

        def name_of(name: str) -> str:
            ours, theirs = next(pair for pair in PUBLISHED if name.startswith(pair[0]))
            return theirs + name.removeprefix(ours)

        return {name_of(name): tensor for name, tensor in model.state_dict().items()}, self._preset.config

    def read(self, model: nn.Module, pixels: Tensor, words: Tensor, corners: Tensor | None = None) -> Tensor:
        """See ``loop.Reader``; the sequence is start of text, picture in raster order, caption."""
        whole: Any = model
        vision = whole.config.vision_config
        side, patches = pixels.shape[-1] // vision.patch_size, vision.image_size // vision.patch_size
        projected = whole.model.multi_modal_projector(self._tower(whole.model.vision_tower, pixels, corners, side))
        language, prompt = whole.model.language_model, torch.tensor(self._prompt).expand(len(words), -1)
        # Text after a caption's end changes nothing before it: attention is causal.
        before, after = (language.embed_tokens(ids) for ids in (prompt, words[:, :-1].clamp(min=END)))
        sequence = torch.cat([before, projected, after], dim=1)
        states = language(
            inputs_embeds=sequence,
            # Said outright: the library would take a jump in the places for the start of another text.
            attention_mask=torch.ones(sequence.shape[:2], dtype=torch.long),
            position_ids=sequence_places(len(self._prompt), corners, side, patches, after.shape[1]),
            use_cache=False,
        ).last_hidden_state
        scores: Tensor = whole.lm_head(states[:, before.shape[1] + projected.shape[1] - 1 :])
        return scores

    def _tower(self, tower: Any, pixels: Tensor, corners: Tensor | None, side: int) -> Tensor:
        """Patch tokens behind the block that the projector reads. [B, 3, S, S] -> [B, side * side, C]"""
        embeddings = tower.embeddings
        tokens = embeddings.patch_embedding(normalise(pixels, CLIP_MEAN, CLIP_STD)).flatten(2).transpose(1, 2)
        first = embeddings.class_embedding.expand(len(tokens), 1, -1)
        places = learned_places(embeddings.position_embedding.weight, corners, side)
        states = tower.pre_layrnorm(torch.cat([first, tokens], dim=1) + places)
        for block in tower.encoder.layers[: self._blocks]:
            states = block(states, None)
        found: Tensor = states[:, 1:]
        return found

    def _whole(self, request: BuildRequest) -> nn.Module:
        from transformers.models.llava_next.modeling_llava_next import LlavaNextForConditionalGeneration

        origin = origin_of(self._preset, request, model_types=["llava_next"], expected="LLaVA-NeXT")
        parts = library_model(self._preset, origin)
        whole: Any = LlavaNextForConditionalGeneration
        with torch.random.fork_rng(devices=[]):
            built: nn.Module = whole(parts.config)
        model: Any = built
        connector = build_connector(parts.config, origin)
        depth = parts.config.text_config.num_hidden_layers
        model.model.vision_tower = parts.build_tower()
        model.model.multi_modal_projector = connector.multi_modal_projector
        model.model.image_newline = connector.image_newline
        model.model.language_model = parts.build_language(depth, self._prompt).language_model
        return built


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    return command.main(LlavaNextFamily(), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
