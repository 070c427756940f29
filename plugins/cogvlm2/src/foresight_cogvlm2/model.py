"""The whole model: what counts and checkpoint layouts are checked with."""

from __future__ import annotations

from torch import nn

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
    """All tensors of a published checkpoint, under their names.

    The encoder builds ``Vision`` and ``Decoder`` apart, and only as deep as needed.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.model = CogVLM2Model(architecture)
        self.lm_head = nn.Linear(architecture.text.hidden_size, architecture.text.vocab_size, bias=False)
