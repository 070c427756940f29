"""The towers, read from outside: pixels in, tokens in raster order at their taps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from foresight_harness.parts.module_outputs import reading
from foresight_vlm_kit.taps import PATCHES, block_tap
from torch import Tensor, nn

from foresight_grounding_vlms.taps import LAST, PROJECTED


class Tower(Protocol):
    """One family."""

    def modules(self) -> Sequence[nn.Module]:
        """What is built."""
        ...

    def read(self, pixels: Tensor, taps: Sequence[str]) -> Mapping[str, Tensor]:
        """Run as deep as the deepest tap. [N, 3, S, S] -> {tap: [N, H, W, C]}"""
        ...


class FlorenceTower:
    """``Florence2VisionBackbone`` and the projection behind it."""

    def __init__(self, tower: Any, projector: Any) -> None:
        self._tower, self._projector = tower, projector

    def modules(self) -> Sequence[nn.Module]:
        """See ``Tower``."""
        return [self._tower, self._projector]

    def read(self, pixels: Tensor, taps: Sequence[str]) -> Mapping[str, Tensor]:
        """See ``Tower``."""
        every = {f"stage.{place}": blocks[-1] for place, blocks in enumerate(self._tower.blocks, 1)}
        last = list(every)[-1]
        wanted = {last if tap == PROJECTED else tap for tap in taps}
        places = {tap: module for tap, module in every.items() if tap in wanted}
        with reading(places, until=list(places)[-1]) as found:
            self._tower(pixels)
        tokens = {tap: found[tap].movedim(1, -1) for tap in taps if tap != PROJECTED}
        if PROJECTED in taps:
            # The first token is the mean of all others, and stands for the picture as a whole.
            grid = found[last].shape[-2:]
            tokens[PROJECTED] = torch.unflatten(self._projector(found[last])[:, 1:], 1, tuple(grid))
        return tokens


class KosmosTower:
    """``Kosmos2VisionModel``: CLIP's ViT with a norm over all tokens behind it."""

    def __init__(self, tower: Any) -> None:
        self._tower = tower

    def modules(self) -> Sequence[nn.Module]:
        """See ``Tower``."""
        return [self._tower]

    def read(self, pixels: Tensor, taps: Sequence[str]) -> Mapping[str, Tensor]:
        """See ``Tower``. Another side than the trained one interpolates the positions, as the library does."""
        inner = self._tower.model
        every = {PATCHES: inner.embeddings.patch_embedding}
        every |= {block_tap(index): block for index, block in enumerate(inner.encoder.layers)}
        last = list(every)[-1]
        wanted = {last if tap == LAST else tap for tap in taps}
        places = {tap: module for tap, module in every.items() if tap in wanted}
        with reading(places, until=list(places)[-1]) as found:
            self._tower(pixels, interpolate_pos_encoding=True)
        side = pixels.shape[-1] // inner.embeddings.patch_size
        tokens = {tap: _raster(tap, found[tap], side) for tap in taps if tap != LAST}
        if LAST in taps:
            tokens[LAST] = _raster(LAST, inner.post_layernorm(found[last]), side)
        return tokens


def _raster(tap: str, output: Tensor, side: int) -> Tensor:
    """A feature map, or a sequence behind a class token. -> [N, H, W, C]"""
    return output.movedim(1, -1) if tap == PATCHES else torch.unflatten(output[:, 1:], 1, (side, side))
