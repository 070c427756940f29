"""What one CogVLM2 is made of, how it lies in checkpoints, whose names are kept, and how it is drawn at random."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import torch
from foresight_harness import TapSpec
from foresight_vlm_kit.blueprint import LANGUAGE, UNREAD, VISION, draw, fan_in_std
from torch import Tensor, nn

from foresight_cogvlm2.architecture import Architecture
from foresight_cogvlm2.language import Decoder
from foresight_cogvlm2.model import CogVLM2
from foresight_cogvlm2.rotary import inverse_frequencies
from foresight_cogvlm2.vision import Vision

PREFIXES = {VISION: "model.vision.", LANGUAGE: "model."}
"""What published names of the two parts begin with."""

SMALL_STD = 0.1
"""Of positions, class token and the marks around a picture."""

GLU_GAIN = 4.0
"""Its gated product of two unit normals behind a GELU has a root mean square of about a quarter."""


@dataclass(frozen=True)
class CogVLM2Blueprint:
    """See ``foresight_vlm_kit.blueprint.Blueprint``."""

    architecture: Architecture

    @property
    def blocks(self) -> int:
        """Of the language model."""
        return self.architecture.text.num_hidden_layers

    @property
    def trained_px(self) -> int:
        """Side of the square."""
        return self.architecture.vision.image_size

    def taps(self) -> tuple[TapSpec, ...]:
        """All taps, shallow to deep."""
        return self.architecture.taps()

    def vision(self, attention: str) -> nn.Module:
        """Tower, convolution and GLU."""
        return Vision(self.architecture, attention)

    def language(self, blocks: int, attention: str) -> nn.Module:
        """The first layers of the language model."""
        return Decoder(self.architecture, blocks, attention)

    def whole(self) -> nn.Module:
        """All tensors of a published checkpoint."""
        return CogVLM2(self.architecture)

    def place(self, name: str) -> tuple[str, str] | None:
        """Part of a published tensor, and its name there; None for a name that no CogVLM2 has."""
        if name.startswith(PREFIXES[VISION]):
            return VISION, name.removeprefix(PREFIXES[VISION])
        if re.match(r"model\.(embed_tokens\.weight$|layers\.\d+\.)", name):
            return LANGUAGE, name.removeprefix(PREFIXES[LANGUAGE])
        return (UNREAD, name) if name in ("lm_head.weight", "model.norm.weight") else None

    def native(self, part: str, name: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
        """The tensor itself."""
        return [(name, tensor)]

    def random(self, part: str, name: str, shape: torch.Size, seed: int) -> Tensor:
        """Values of one tensor.

        What the language model's branches add is divided by sqrt(2 * layers), and the GLU is scaled to an output of
        about one: else the first layers would drown each token in what it attends to.
        """
        text, published = self.architecture.text, PREFIXES[part] + name
        if name.endswith("inv_freq"):
            return inverse_frequencies(text.head_width, text.rope_theta)
        std = fan_in_std(shape)
        if published.endswith(("cls_embedding", "position_embedding.weight", ".boi", ".eoi")):
            std = SMALL_STD
        elif name.endswith("embed_tokens.weight"):
            std = 1.0
        elif name.endswith("dense_4h_to_h.weight"):
            std *= GLU_GAIN
        elif name.endswith(("_expert_dense.weight", ".down_proj.weight")):
            std /= math.sqrt(2 * text.num_hidden_layers)
        return draw(published, shape, seed, std)
