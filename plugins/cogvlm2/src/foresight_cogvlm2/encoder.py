"""The encoder: clips in, token grids at the asked taps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import torch
from foresight_harness import UsageError
from foresight_harness.grids import TokenGrid, require_finite
from foresight_harness.weights import require_memory

from foresight_cogvlm2.architecture import Architecture
from foresight_cogvlm2.counting import count_params
from foresight_cogvlm2.model import count, language_on_meta, materialise, vision_on_meta
from foresight_cogvlm2.preprocessing import prepare
from foresight_cogvlm2.reading import read_language, read_vision
from foresight_cogvlm2.weights import LANGUAGE, VISION

if TYPE_CHECKING:
    from torch import Tensor

    from foresight_cogvlm2.language import Decoder
    from foresight_cogvlm2.weights import Weights


class CogVLM2Encoder:
    """CogVLM2 on single square pictures, one a frame. The vision side is built at once, the language model on first
    need and only as deep as needed."""

    def __init__(
        self,
        name: str,
        architecture: Architecture,
        weights: Weights,
        *,
        device: str,
        dtype: str,
        attention: str,
        input_px: int,
        taps: Sequence[str] = (),
    ) -> None:
        """Build the vision side; ``taps`` are those that will be read, for what memory must hold together."""
        self._name, self._architecture, self._weights = name, architecture, weights
        self._device, self._dtype_name, self._attention = device, dtype, attention
        self._dtype: torch.dtype = getattr(torch, dtype)
        self._input_px = input_px
        self._taps = {tap.name: tap.stride_px for tap in architecture.taps()}
        self._language: Decoder | None = None
        self._vision = vision_on_meta(architecture, attention)
        require_memory(f"{name} (vision)", count(self._vision), device, dtype)
        depth = max((int(tap.removeprefix("llm.")) for tap in taps if tap.startswith("llm.")), default=0)
        if depth:  # both, before either is allocated
            language = count(language_on_meta(architecture, depth, attention))
            what = f"{name} (vision and language model, {depth} layers)"
            require_memory(what, count(self._vision) + language, device, dtype)
        materialise(self._vision, weights.tensors(VISION, self._vision, device, self._dtype))

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """See ``foresight_harness.protocols.Encoder``. Each frame is a picture, and a temporal slot, of its own."""
        self._check(taps)
        depths = sorted({int(name.removeprefix("llm.")) for name in taps if name.startswith("llm.")})
        wanted = {name for name in taps if not name.startswith("llm.")} | ({"vision_out"} if depths else set())
        pixels = prepare(clips.to(self._device), self._input_px).to(self._dtype)
        found = read_vision(self._vision, pixels, wanted)
        if depths:
            language = self._language_of(depths[-1])
            start = self._architecture.text.bos_token_id
            states = read_language(language, self._vision, found["vision_out"], start, depths)
            found.update({f"llm.{depth:02d}": state for depth, state in states.items()})
        return {name: self._grid(name, found[name], clips.shape[0]) for name in taps}

    def facts(self) -> Mapping[str, Any]:
        """What is really used. ``params`` counts the whole model, ``params_built`` the parts that are there by now."""
        language, trained = self._language, self._architecture.vision.image_size
        return {
            "attention": self._attention,
            "dtype": self._dtype_name,
            "device": self._device,
            "params": count_params(self._architecture).total,
            "params_built": count(self._vision) + (0 if language is None else count(language)),
            "input_px": self._input_px,
            "positions": "as trained" if self._input_px == trained else f"bicubic from {trained} px",
            "visual_experts": self._architecture.text.visual_experts,
            "language_layers_built": 0 if language is None else len(language.layers),
        }

    def _check(self, taps: Sequence[str]) -> None:
        for name in taps:
            if name not in self._taps:
                near = get_close_matches(name, self._taps, n=3, cutoff=0.0)
                raise UsageError(f"{self._name} has no tap {name!r}; nearest: {', '.join(near)}")

    def _language_of(self, depth: int) -> Decoder:
        """The language model, built as deep as asked; built anew, with the same values, when asked deeper."""
        if self._language is None or len(self._language.layers) < depth:
            self._language = None
            module = language_on_meta(self._architecture, depth, self._attention)
            what = f"{self._name} (language model, {depth} layers)"
            require_memory(what, count(module), self._device, self._dtype_name)
            materialise(module, self._weights.tensors(LANGUAGE, module, self._device, self._dtype))
            self._language = module
        return self._language

    def _grid(self, name: str, tokens: Tensor, batch: int) -> TokenGrid:
        side = self._input_px // self._taps[name]
        require_finite(tokens, f"{self._name}@{name}")
        frames = TokenGrid.from_sequence(tokens, side, side).tokens
        return TokenGrid(frames.reshape(batch, -1, side, side, tokens.shape[-1]))
