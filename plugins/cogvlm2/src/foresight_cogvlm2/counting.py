"""Parameters of an architecture, by arithmetic. No torch. Tests hold it to the modules, on the meta device."""

from __future__ import annotations

from dataclasses import dataclass

from foresight_cogvlm2.architecture import CONV_STRIDE, Architecture


@dataclass(frozen=True)
class Params:
    """Parameters by part."""

    vision: int
    """Tower, convolution, GLU and the two tokens around a picture."""
    language: int
    """With embeddings, final norm and language head."""

    @property
    def total(self) -> int:
        """Of the whole model."""
        return self.vision + self.language


def count_params(architecture: Architecture) -> Params:
    """Parameters of the whole model, whether it is built or not."""
    return Params(_vision(architecture), _language(architecture))


def _vision(architecture: Architecture) -> int:
    vision, text = architecture.vision, architecture.text
    width, ffn = vision.hidden_size, vision.intermediate_size
    patches = (vision.in_channels * vision.patch_size**2 + 1) * width
    embeddings = patches + (1 + vision.num_positions) * width
    block = 4 * width * width + 4 * width + 2 * width * ffn + ffn + width + 4 * width
    conv = CONV_STRIDE**2 * width * width + width
    glu = width * text.hidden_size + 2 * text.hidden_size + 3 * text.hidden_size * text.intermediate_size
    return embeddings + vision.num_hidden_layers * block + conv + glu + 2 * text.hidden_size


def _language(architecture: Architecture) -> int:
    text = architecture.text
    width = text.hidden_size
    expert = text.qkv_width * width + width * width + 3 * width * text.intermediate_size
    visual = expert + text.qkv_width if text.visual_experts else 0
    layer = expert + visual + 2 * width
    return 2 * text.vocab_size * width + width + text.num_hidden_layers * layer
