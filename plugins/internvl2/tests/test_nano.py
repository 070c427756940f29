"""The trained twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import foresight_internvl2
import pytest
import torch
from foresight_harness import BuildRequest, UsageError
from foresight_internvl2 import spec_of
from foresight_internvl2.architecture import MEAN, STD
from foresight_internvl2.presets import NANO
from foresight_internvl2.speaker import build_answerer
from foresight_internvl2.train_nano import InternVL2Family
from foresight_vlm_kit.pictures import normalise
from foresight_vlm_kit.testing.nano import NanoConformance
from torch import Tensor


class TestNano(NanoConformance):
    specs = [spec_of(preset) for preset in NANO]  # noqa: RUF012
    carried = Path(foresight_internvl2.__file__).parent / "weights"
    kept = ("internvl2_nano_where",)
    family = InternVL2Family()
    projected = "post_projector"

    def own_scores(self, model: Any, pixels: Tensor, words: Tensor) -> Tensor:
        """The library's own way from pixels and ids."""
        ids = torch.cat([torch.tensor([1, 248, *[250] * 64, 249]).expand(len(words), -1), words[:, :-1]], dim=1)
        model.model.config.image_token_id = 250
        scores: Tensor = model(input_ids=ids, pixel_values=normalise(pixels, MEAN, STD)).logits
        return scores[:, 66:]

    def parts_of(self, encoder: Any) -> Sequence[Mapping[str, Tensor]]:
        named = {"model.": encoder.vision, "model.language_model.": encoder.language_of(4).language_model}
        return [{at + name: value for name, value in part.state_dict().items()} for at, part in named.items()]

    def test_what_is_said_of_a_picture_is_what_the_class_itself_finds_likeliest(self) -> None:
        (where,) = (preset for preset in NANO if preset.name == foresight_internvl2.CARRIED)
        found = build_answerer(where, BuildRequest(weights="nano"))
        self.check_says_what_the_class_says(found, foresight_internvl2.foresight_metrics())
        with pytest.raises(UsageError, match="float32 on the cpu, not in bfloat16"):
            build_answerer(where, BuildRequest(weights="nano", dtype="bfloat16"))
