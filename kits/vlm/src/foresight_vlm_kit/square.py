"""Encoders that read single square pictures, one a frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from foresight_harness import BuildRequest
from foresight_harness.grids import TokenGrid, require_finite
from torch import Tensor, nn

from foresight_vlm_kit.blueprint import Blueprint, build_part, require_parts
from foresight_vlm_kit.counting import count_on_meta
from foresight_vlm_kit.encoder import VlmEncoder
from foresight_vlm_kit.language import Language
from foresight_vlm_kit.origin import Origin
from foresight_vlm_kit.pictures import squash
from foresight_vlm_kit.presets import Preset, require_whole_groups
from foresight_vlm_kit.taps import block_tap, llm_tap


class SquareEncoder(VlmEncoder[Language]):
    """Each frame is squashed to a square: a picture, and a temporal slot, of its own."""

    colours: ClassVar[tuple[Sequence[float], Sequence[float]]]
    """Mean and standard deviation of each channel."""
    projected: ClassVar[str]
    """Tap of what the language model is given."""

    def __init__(self, preset: Preset, origin: Origin, blueprint: Blueprint, request: BuildRequest) -> None:
        """Build the vision side. Raises: UsageError where side or memory do not allow it; CheckpointError."""
        self._blueprint = blueprint
        counted = preset.params if origin.folder is None else count_on_meta(blueprint.whole)
        super().__init__(origin, blueprint.taps(), counted, request.input_px or blueprint.trained_px)
        patch_px = next(iter(self.taps.values())).stride_px
        require_whole_groups(origin.name, self.input_px, patch_px, self.taps[self.projected].stride_px // patch_px)
        require_parts(blueprint, origin, request.taps)
        self.vision: Any = build_part(blueprint, origin)

    @abstractmethod
    def read_vision(self, pixels: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """Tokens at taps of the vision side, in raster order. [N, 3, S, S] -> {tap: [N, cells, C]}"""

    @abstractmethod
    def read_language(self, language: Any, tokens: Tensor, depths: Sequence[int]) -> dict[int, Tensor]:
        """Residual states after some numbers of blocks, at the picture's tokens. [N, cells, C] -> {k: [N, cells, C]}"""

    def vision_side(self) -> Sequence[nn.Module]:
        """See ``VlmEncoder``."""
        return [self.vision]

    def build_language(self, depth: int) -> Language:
        """See ``VlmEncoder``."""
        return Language(build_part(self._blueprint, self.origin, depth))

    def read(self, clips: Tensor, taps: Sequence[str], depths: Sequence[int]) -> Mapping[str, Tensor]:
        """See ``VlmEncoder``."""
        wanted = {*taps, self.projected} if depths else set(taps)
        pixels = squash(clips.to(self.origin.device), self.input_px, *self.colours).to(self.origin.torch_dtype)
        found = self.read_vision(pixels, wanted)
        if depths:
            states = self.states_of(found[self.projected], clips.shape[1], depths)
            found.update({llm_tap(depth): state for depth, state in states.items()})
        return {tap: self._grid(tap, tokens, clips.shape[0]) for tap, tokens in found.items()}

    def states_of(self, tokens: Tensor, frames: int, depths: Sequence[int]) -> dict[int, Tensor]:
        """Residual states of all pictures, ``frames`` of them a clip. [B * T, cells, C] -> {k: [B * T, cells, C]}"""
        return self.read_language(self.language_of(depths[-1]).language_model, tokens, depths)

    def own_facts(self) -> Mapping[str, Any]:
        """Whether positions are those that were trained."""
        trained = self._blueprint.trained_px
        return {"positions": "as trained" if self.input_px == trained else f"bicubic from {trained} px"}

    def _grid(self, tap: str, tokens: Tensor, batch: int) -> Tensor:
        side = self.input_px // self.taps[tap].stride_px
        require_finite(tokens, f"{self.origin.name}@{tap}")
        frames = TokenGrid.from_sequence(tokens, side, side).tokens
        return frames.reshape(batch, -1, side, side, tokens.shape[-1])


def run_blocks(
    blocks: Iterable[nn.Module], states: Tensor, wanted: Collection[str], found: dict[str, Tensor]
) -> Tensor:
    """Run blocks one by one, and keep what is wanted of them without the class token. [N, 1 + cells, C] -> the same"""
    for index, block in enumerate(blocks):
        states = block(states)
        if block_tap(index) in wanted:
            found[block_tap(index)] = states[:, 1:]
    return states
