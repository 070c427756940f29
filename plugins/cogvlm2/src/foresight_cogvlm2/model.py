"""The whole model, and its parts on the meta device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from foresight_cogvlm2.architecture import Architecture
from foresight_cogvlm2.language import Decoder, RMSNorm
from foresight_cogvlm2.vision import Vision


class CogVLM2Model(Decoder):
    """Everything under ``model``."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture)
        self.norm = RMSNorm(architecture.text.hidden_size, architecture.text.rms_norm_eps)
        self.vision = Vision(architecture)


class CogVLM2(nn.Module):
    """All tensors of a published checkpoint, under their names: what counts and checkpoint layouts are checked with.

    The encoder builds ``Vision`` and ``Decoder`` apart, and only as deep as needed.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.model = CogVLM2Model(architecture)
        self.lm_head = nn.Linear(architecture.text.hidden_size, architecture.text.vocab_size, bias=False)


def vision_on_meta(architecture: Architecture, attention: str) -> Vision:
    """Tower, convolution and GLU without values."""
    with torch.device("meta"):
        return Vision(architecture, attention).eval().requires_grad_(False)


def language_on_meta(architecture: Architecture, layers: int, attention: str) -> Decoder:
    """The first layers of the language model without values."""
    with torch.device("meta"):
        return Decoder(architecture, layers, attention).eval().requires_grad_(False)


def count(module: nn.Module) -> int:
    """Parameters of a module, on the meta device or not."""
    return sum(parameter.numel() for parameter in module.parameters())


def materialise(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a module from the meta device its values, in place. ``tensors`` hold exactly its state dict."""
    module.load_state_dict(tensors, strict=True, assign=True)
    module.requires_grad_(False)
