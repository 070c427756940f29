"""LLaVA-NeXT as an encoder: clips in, token grids at its taps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from foresight_harness.contracts.errors import CandidateError, GridError
from foresight_harness.grids import TokenGrid
from foresight_harness.parts.module_outputs import reading
from torch import Tensor

from foresight_llava_next.building import Connector, Origin, build_language
from foresight_llava_next.grids import join_tiles, pack, unpack
from foresight_llava_next.language import LanguageReader
from foresight_llava_next.preprocessing import base_tile, cut_tiles, normalise
from foresight_llava_next.presets import Preset
from foresight_llava_next.prompts import prompt_ids
from foresight_llava_next.taps import block_tap, feature_block, llm_depth, taps_of
from foresight_llava_next.tiling import Tiling, tile_picture

if TYPE_CHECKING:
    from torch import nn
    from transformers.models.llava_next.configuration_llava_next import LlavaNextConfig


class LlavaNextEncoder:
    """Tower and projector, and as much of the language model as has been asked for so far."""

    def __init__(
        self,
        preset: Preset,
        config: LlavaNextConfig,
        origin: Origin,
        tower: nn.Module,
        connector: Connector,
        tiled_px: int | None = None,
    ) -> None:
        """Wrap built parts.

        Args:
            preset: The size.
            config: Of the weights.
            origin: Of the weights.
            tower: The vision tower.
            connector: Projector and end of row.
            tiled_px: Short side in pixels at which a picture is shown to the tiling rule; None reads the base tile.
        """
        vision: Any = config.vision_config
        self.tower: Any = tower
        self.connector = connector
        self.language: LanguageReader | None = None
        self._preset, self._config, self._origin = preset, config, origin
        self._tile_px, self._side = vision.image_size, vision.image_size // vision.patch_size
        self._tiled_px = tiled_px
        self._order = {tap.name: place for place, tap in enumerate(taps_of(preset.config))}
        self._feature_block = block_tap(feature_block(preset.config))

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features at the named taps; nothing deeper than the deepest of them runs.

        Args:
            clips: Pixels in [0, 1]. Every frame is a picture. [B, T, 3, H_px, W_px] float32
            taps: Names of the encoder's own taps.

        Returns:
            One grid per tap, in raster order, in the encoder's dtype. [B, T, H, W, C]

        Raises:
            CandidateError: if a tap is unknown.
            GridError: if ``clips`` is not [B, T, 3, H_px, W_px].
        """
        self._check(clips, taps)
        frames = clips.flatten(0, 1).float()
        tiling = self._tiling(clips)
        depths = [depth for tap in taps if (depth := llm_depth(tap)) is not None]
        base = tiling is None or bool(depths)
        tiles = self._tiles(frames, tiling, base=base)
        raw = self._run_tower(tiles.flatten(0, 1).to(self._origin.torch_dtype), taps)
        by_picture = {place: torch.unflatten(tokens, 0, tiles.shape[:2]) for place, tokens in raw.items()}
        grids = {tap: self._grid(by_picture[tap], tiling, base=base) for tap in taps if llm_depth(tap) is None}
        if depths:
            grids |= self._run_language(by_picture["post_projector"], tiling, taps, depths)
        return {tap: TokenGrid(torch.unflatten(grids[tap], 0, clips.shape[:2])) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """What is really used. ``params`` is the whole model; ``params_built`` grows when the LLM is first read."""
        parts = [self.tower, self.connector, *([self.language.language_model] if self.language else [])]
        return {
            "attention": self._origin.attention,
            "dtype": self._origin.dtype,
            "params": self._preset.params,
            "params_built": sum(parameter.numel() for part in parts for parameter in part.parameters()),
            "llm_blocks": self.language.depth if self.language else 0,
            "input_px": self._tiled_px or self._tile_px,
            "view": "base tile" if self._tiled_px is None else "high-resolution tiles",
            "prompt": self._preset.prompt if self._origin.folder else "stand-in ids: random weights know no words",
        }

    def _tiling(self, clips: Tensor) -> Tiling | None:
        if self._tiled_px is None:
            return None
        rows_px, cols_px = clips.shape[-2:]
        scale = self._tiled_px / min(rows_px, cols_px)
        size = (round(rows_px * scale), round(cols_px * scale))
        return tile_picture(size, self._config.image_grid_pinpoints or [], self._tile_px, self._side)

    def _tiles(self, frames: Tensor, tiling: Tiling | None, *, base: bool) -> Tensor:
        """What the tower is given: the base tile first, where it is needed. [N, tiles, 3, tile_px, tile_px]"""
        parts = [base_tile(frames, self._tile_px)] if base else []
        if tiling is not None:
            parts.append(cut_tiles(frames, tiling, self._tile_px))
        return normalise(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))

    def _run_tower(self, tiles: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        """Patch tokens by place, and projected ones where a tap needs them. {place: [N, side * side, C]}"""
        project = any(tap == "post_projector" or llm_depth(tap) is not None for tap in taps)
        wanted = {tap for tap in taps if llm_depth(tap) is None} - {"post_projector"}
        wanted |= {self._feature_block} if project else set()
        modules = {"patch_embed": self.tower.embeddings.patch_embedding}
        modules |= {block_tap(index): block for index, block in enumerate(self.tower.encoder.layers)}
        places = {name: module for name, module in modules.items() if name in wanted}
        with reading(places, until=max(places, key=self._order.__getitem__)) as found:
            self.tower(tiles)
        tokens = {
            name: output.flatten(2).transpose(1, 2) if name == "patch_embed" else output[:, 1:]
            for name, output in found.items()
        }
        if project:
            tokens["post_projector"] = self.connector.multi_modal_projector(tokens[self._feature_block])
        return tokens

    def _grid(self, tokens: Tensor, tiling: Tiling | None, *, base: bool) -> Tensor:
        """Tokens of all tiles of each picture to its grid. [N, tiles, side * side, C] -> [N, H, W, C]"""
        if tiling is None:
            return torch.unflatten(tokens[:, 0], 1, (self._side, self._side))
        return join_tiles(tokens[:, 1:] if base else tokens, tiling, self._side)

    def _run_language(
        self, projected: Tensor, tiling: Tiling | None, taps: Sequence[str], depths: Sequence[int]
    ) -> dict[str, Tensor]:
        base = projected[:, 0]
        grid = self._grid(projected, tiling, base=True)
        sequence = base if tiling is None else pack(base, grid, self.connector.image_newline)
        states = self._reader(max(depths)).read(sequence, depths)
        shape = (grid.shape[1], grid.shape[2])
        return {
            tap: torch.unflatten(states[depth], 1, shape)
            if tiling is None
            else unpack(states[depth], base.shape[1], shape)
            for tap in taps
            if (depth := llm_depth(tap)) is not None
        }

    def _reader(self, depth: int) -> LanguageReader:
        """The language model with at least ``depth`` blocks, built on first need and rebuilt only to go deeper."""
        if self.language is None or self.language.depth < depth:
            prompt = prompt_ids(self._origin.folder, self._preset.prompt, self._config.image_token_index)
            self.language = None  # the old blocks are freed before the deeper model is allocated
            built = build_language(self._config, self._origin, depth)
            self.language = LanguageReader(self._config, built, prompt)
        return self.language

    def _check(self, clips: Tensor, taps: Sequence[str]) -> None:
        unknown = [tap for tap in taps if tap not in self._order]
        if unknown or not taps:
            named = ", ".join(unknown) or "no tap"
            raise CandidateError(f"{self._preset.name} has no tap {named}; it has {', '.join(self._order)}")
        if clips.ndim != 5 or clips.shape[2] != 3:
            raise GridError(f"clips are [B, T, 3, H_px, W_px], got shape {tuple(clips.shape)}")
