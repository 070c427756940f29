"""The trained twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import foresight_llava_next
import pytest
import torch
from foresight_harness import BuildRequest, UsageError
from foresight_llava_next import spec_of
from foresight_llava_next.presets import NANO
from foresight_llava_next.speaker import build_answerer
from foresight_llava_next.train_nano import LlavaNextFamily
from foresight_vlm_kit.pictures import normalise
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from foresight_vlm_kit.testing.nano import NanoConformance
from torch import Tensor


class TestNano(NanoConformance):
    specs = [spec_of(preset) for preset in NANO]  # noqa: RUF012
    carried = Path(foresight_llava_next.__file__).parent / "weights"
    kept = ("llava_next_nano_where",)
    family = LlavaNextFamily()
    projected = "post_projector"

    def own_scores(self, model: Any, pixels: Tensor, words: Tensor) -> Tensor:
        """The library's tower as a whole, and its model with the base tile's tokens in the places of a picture."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        states = model.model.vision_tower(normalise(pixels, CLIP_MEAN, CLIP_STD), output_hidden_states=True)
        seen = model.model.multi_modal_projector(states.hidden_states[model.config.vision_feature_layer][:, 1:])
        ids = torch.cat([torch.tensor([1, *[250] * 256]).expand(len(words), -1), words[:, :-1]], dim=1)
        image: Any = list(seen)
        encoded = {"image": BaseModelOutputWithPooling(pooler_output=image)}
        scores: Tensor = model.lm_head(model.model(input_ids=ids, mm_encoder_outputs=encoded).last_hidden_state)
        return scores[:, 256:]

    def parts_of(self, encoder: Any) -> Sequence[Mapping[str, Tensor]]:
        named = {
            "model.vision_tower.": encoder.tower,
            "model.": encoder.connector,
            "model.language_model.": encoder.language_of(4).language_model,
        }
        return [{at + name: value for name, value in part.state_dict().items()} for at, part in named.items()]

    def test_what_is_said_of_a_picture_is_what_the_class_itself_finds_likeliest(self) -> None:
        (where,) = (preset for preset in NANO if preset.name == foresight_llava_next.CARRIED)
        found = build_answerer(where, BuildRequest(weights="nano"))
        self.check_says_what_the_class_says(found, foresight_llava_next.foresight_metrics())
        with pytest.raises(UsageError, match="float32 on the cpu, not in bfloat16"):
            build_answerer(where, BuildRequest(weights="nano", dtype="bfloat16"))
