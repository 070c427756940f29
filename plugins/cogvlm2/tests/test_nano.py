"""The trained twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import foresight_cogvlm2
import torch
from foresight_cogvlm2 import spec_of
from foresight_cogvlm2.encoder import CogVLM2Encoder
from foresight_cogvlm2.presets import NANO
from foresight_cogvlm2.rotary import position_ids, token_types, visual_tokens
from foresight_cogvlm2.train_nano import CogVLM2Family
from foresight_harness import BuildRequest
from foresight_vlm_kit.pictures import normalise
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from foresight_vlm_kit.testing.nano import NanoConformance
from torch import Tensor


class TestNano(NanoConformance):
    specs = [spec_of(preset) for preset in NANO]  # noqa: RUF012
    carried = Path(foresight_cogvlm2.__file__).parent / "weights"
    kept = ()
    family = CogVLM2Family()
    projected = "vision_out"

    def own_scores(self, model: Any, pixels: Tensor, words: Tensor) -> Tensor:
        """The encoder's vision side, then the layers one caption word at a time: only what was said is there to see."""
        encoder: Any = self.specs[0].build(BuildRequest())
        encoder.vision = model.model.vision
        seen = CogVLM2Encoder.read_vision(encoder, normalise(pixels, CLIP_MEAN, CLIP_STD), {"vision_out"})["vision_out"]
        language, marks = model.model, [model.model.vision.boi, model.model.vision.eoi]
        boi, eoi = (mark.expand(len(words), -1, -1) for mark in marks)
        start = language.embed_tokens(torch.ones(len(words), 1, dtype=torch.long))
        scores = []
        for count in range(words.shape[1]):
            states = torch.cat([start, boi, seen, eoi, language.embed_tokens(words[:, :count])], dim=1)
            types = torch.cat([token_types(64), torch.zeros(count, dtype=torch.long)])
            for layer in language.layers:
                states = layer(states, visual_tokens(types), position_ids(types))
            scores.append(model.lm_head(language.norm(states[:, -1])))
        return torch.stack(scores, 1)

    def parts_of(self, encoder: Any) -> Sequence[Mapping[str, Tensor]]:
        named = {"model.vision.": encoder.vision, "model.": encoder.language_of(4).language_model}
        return [{at + name: value for name, value in part.state_dict().items()} for at, part in named.items()]
