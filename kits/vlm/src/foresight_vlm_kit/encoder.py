"""The encoder that all vision-language plugins share: what it checks, tells and builds on first need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

import torch
from foresight_harness.contracts.errors import CandidateError, GridError
from foresight_harness.contracts.specs import TapSpec
from foresight_harness.grids import TokenGrid
from torch import Tensor, nn

from foresight_vlm_kit.counting import bytes_per_param, count
from foresight_vlm_kit.language import Language
from foresight_vlm_kit.origin import Origin
from foresight_vlm_kit.taps import llm_depth, llm_depths

Reader = TypeVar("Reader", bound=Language)


class VlmEncoder(ABC, Generic[Reader]):
    """A vision side that is there from the start, and as much of a language model as has been asked for so far."""

    def __init__(self, origin: Origin, taps: Sequence[TapSpec], params: int, input_px: int) -> None:
        """Begin with no language model; ``params`` are the whole model's, ``taps`` all that there are."""
        self.origin, self.input_px = origin, input_px
        self.taps = {tap.name: tap for tap in taps}
        self.language: Reader | None = None
        self._params = params

    @abstractmethod
    def vision_side(self) -> Sequence[nn.Module]:
        """What is built from the start."""

    @abstractmethod
    def build_language(self, depth: int) -> Reader:
        """The first ``depth`` blocks of the language model. Raises: CheckpointError, UsageError."""

    @abstractmethod
    def read(self, clips: Tensor, taps: Sequence[str], depths: Sequence[int]) -> Mapping[str, Tensor]:
        """Grids at ``taps`` of the vision side and after ``depths`` language blocks. [B, T', H, W, C] each"""

    @abstractmethod
    def own_facts(self) -> Mapping[str, Any]:
        """What this model's ``facts`` tell beside those of all."""

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features at the named taps; nothing deeper than the deepest of them runs.

        Args:
            clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px] float32
            taps: Names of the encoder's own taps.

        Returns:
            One grid per tap, in raster order, in the encoder's dtype. [B, T', H, W, C]

        Raises:
            CandidateError: if a tap is unknown.
            GridError: if ``clips`` is not [B, T, 3, H_px, W_px].
        """
        self._check(clips, taps)
        grids = self.read(clips, [tap for tap in taps if llm_depth(tap) is None], llm_depths(taps))
        return {tap: TokenGrid(grids[tap]) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """What is really used. ``params`` is the whole model; ``params_built`` grows when the LLM is first read.

        ``params_by_tap`` are those that a tap needs, of the taps that what was built can be read at.
        """
        built = [*self.vision_side(), *([self.language.language_model] if self.language else [])]
        return {
            "attention": self.origin.attention,
            "dtype": self.origin.dtype,
            "device": self.origin.device,
            "params": self._params,
            "params_built": count(*built),
            "params_by_tap": self._params_by_tap(),
            "llm_blocks": self.language.depth if self.language else 0,
            "input_px": self.input_px,
            **self._loading(built),
            **self.own_facts(),
        }

    def _loading(self, built: Sequence[nn.Module]) -> dict[str, Any]:
        """How a checkpoint was loaded otherwise than whole on one device; nothing where it was not."""
        quantize, device_map = self.origin.quantize, self.origin.device_map
        found: dict[str, Any] = {} if device_map == "none" else {"device_map": device_map}
        return (
            found if quantize == "none" else found | {"quantize": quantize, "bytes_per_param": bytes_per_param(*built)}
        )

    def language_of(self, depth: int) -> Reader:
        """The language model with at least ``depth`` blocks, built on first need and rebuilt only to go deeper."""
        if self.language is None or self.language.depth < depth:
            self.language = None  # the old blocks are freed before the deeper model is allocated
            self.language = self.build_language(depth)
        return self.language

    def _params_by_tap(self) -> dict[str, int]:
        """Of a tap of the language model: vision side, and its blocks up to the tap with what stands beside them."""
        vision = count(*self.vision_side())
        blocks = [count(block) for block in self.language.language_model.layers] if self.language else []
        beside = count(self.language.language_model) - sum(blocks) if self.language else 0
        found = {}
        for name in self.taps:
            depth = llm_depth(name)
            if depth is None:
                found[name] = vision
            elif depth <= len(blocks):
                found[name] = vision + beside + sum(blocks[:depth])
        return found

    def _check(self, clips: Tensor, taps: Sequence[str]) -> None:
        name = self.origin.name
        if not taps:
            raise CandidateError(f"{name} is asked for no tap; it has {', '.join(self.taps)}")
        for tap in taps:
            if tap not in self.taps:
                near = get_close_matches(tap, self.taps, n=3, cutoff=0.0)
                raise CandidateError(f"{name} has no tap {tap!r}; nearest: {', '.join(near)}")
        if clips.ndim != 5 or clips.shape[2] != 3:
            raise GridError(f"clips are [B, T, 3, H_px, W_px], got shape {tuple(clips.shape)}")
