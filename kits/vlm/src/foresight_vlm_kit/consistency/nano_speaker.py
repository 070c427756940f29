"""Nano sizes of any family, asked about pictures by the code that trained them."""

from __future__ import annotations

import torch
from foresight_harness import BuildRequest, UsageError
from foresight_harness.weights import checkpoint_folder
from torch import Tensor, nn

from foresight_vlm_kit.consistency.answerer import Answerer
from foresight_vlm_kit.consistency.talk import nano_talk
from foresight_vlm_kit.nano.command import Family
from foresight_vlm_kit.pictures import resize
from foresight_vlm_kit.presets import Preset

INPUT_PX = 224
"""Side of the square that pictures are brought to: what whole pictures were trained at."""


class NanoSpeaker:
    """A family's model; the vision side runs anew for every word, which costs milliseconds at this size."""

    def __init__(self, family: Family, model: nn.Module) -> None:
        """``model`` is the family's own, with its head."""
        self.family, self.model = family, model.eval().requires_grad_(False)

    def see(self, pictures: Tensor) -> Tensor:
        """See ``Speaker``. [B, 3, H_px, W_px] -> [B, 3, INPUT_PX, INPUT_PX]"""
        return resize(pictures.float(), (INPUT_PX, INPUT_PX))

    def scores(self, seen: Tensor, words: Tensor) -> Tensor:
        """See ``Speaker``. [B, L] -> [B, V]"""
        # The family gives scores of every word of a caption; of the last one it reads none, so any stands for it.
        asked = torch.cat([words, words.new_zeros(len(words), 1)], dim=1)
        return self.family.read(self.model, seen, asked)[:, -1].float()


def nano_answerer(family: Family, preset: Preset, request: BuildRequest) -> Answerer:
    """A nano size with the weights that its package carries, or random ones of a seed.

    Raises:
        UsageError: of another dtype or device than trainings have.
        CheckpointError: if the weights are absent or damaged.
    """
    if (request.device, request.dtype) != ("cpu", "float32"):
        raise UsageError(f"{preset.name} is asked in float32 on the cpu, not in {request.dtype} on {request.device}")
    random = request.weights == "random"
    model = family.start(request.seed) if random else family.load(checkpoint_folder(request.source, preset.repo, None))
    return Answerer(NanoSpeaker(family, model), nano_talk(()))
