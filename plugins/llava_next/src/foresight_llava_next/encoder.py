"""LLaVA-NeXT as an encoder: clips in, token grids at its taps out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.module_outputs import reading
from foresight_vlm_kit.encoder import VlmEncoder
from foresight_vlm_kit.language import LibraryLanguage
from foresight_vlm_kit.library import LibraryModel
from foresight_vlm_kit.origin import origin_of
from foresight_vlm_kit.pictures import normalise, resize
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD, LIBRARY_LOADING
from foresight_vlm_kit.taps import PATCHES, block_tap, llm_tap
from torch import Tensor, nn

from foresight_llava_next.grids import join_tiles, pack, unpack
from foresight_llava_next.parts import build_connector, library_model
from foresight_llava_next.preprocessing import cut_tiles
from foresight_llava_next.presets import BASE_PREPROCESSING, Size
from foresight_llava_next.prompts import prompt_ids
from foresight_llava_next.taps import PROJECTED, feature_block, taps_of
from foresight_llava_next.tiling import Tiling, tile_picture


def build_encoder(preset: Size, request: BuildRequest, *, tiled: bool) -> LlavaNextEncoder:
    """Build tower and projector; the language model follows when a tap of it is first asked for.

    Args:
        preset: The size.
        request: What the harness asks for.
        tiled: Read the high-resolution tiles instead of the base tile.

    Raises:
        UsageError: if memory, attention or input size do not allow it.
        CheckpointError: if the checkpoint is absent, damaged, unsafe or of another size.
    """
    origin = origin_of(
        preset,
        request,
        model_types=["llava_next"],
        expected="LLaVA-NeXT",
        preprocessing=BASE_PREPROCESSING,
        **LIBRARY_LOADING,
    )
    model = library_model(preset, origin)
    sides = preset.sides(tiled)
    if request.input_px not in (None, *sides):
        raise UsageError(
            f"{preset.name} at {request.input_px} px: its tower takes tiles of {sides[0]} px, so input_px is "
            f"{' or '.join(map(str, sides))}"
        )
    model.require_memory(request.taps)
    return LlavaNextEncoder(preset, model, request.input_px or sides[-1], tiled=tiled)


class LlavaNextEncoder(VlmEncoder[LibraryLanguage]):
    """Tower and projector, and as much of the language model as has been asked for so far."""

    def __init__(self, preset: Size, model: LibraryModel, input_px: int, *, tiled: bool) -> None:
        """Build the vision side; of tiles, ``input_px`` is the short side at which the tiling rule sees a picture."""
        super().__init__(model.origin, taps_of(preset.config), preset.params, input_px)
        self._preset, self._model, self._tiled = preset, model, tiled
        self.tower: Any = model.build_tower()
        self.connector = build_connector(model.config, model.origin)
        vision = model.config.vision_config
        self._tile_px, self._side = vision.image_size, vision.image_size // vision.patch_size
        self._feature_block = block_tap(feature_block(preset.config))

    def vision_side(self) -> Sequence[nn.Module]:
        """See ``VlmEncoder``."""
        return [self.tower, self.connector]

    def build_language(self, depth: int) -> LibraryLanguage:
        """See ``VlmEncoder``; the prompt is the checkpoint's own tokenizer's, or the size's own."""
        ids = self._preset.prompt_ids
        if ids is None:
            ids = prompt_ids(self.origin.folder, self._preset.prompt, self._model.config.image_token_index)
        return self._model.build_language(depth, ids)

    def own_facts(self) -> Mapping[str, Any]:
        """Which view is read, and what the language model reads before it."""
        ids = self._preset.prompt_ids
        prompt = self._preset.prompt if self.origin.folder else "stand-in ids: random weights know no words"
        prompt = prompt if ids is None else f"ids {list(ids)}"
        return {"view": "high-resolution tiles" if self._tiled else "base tile", "prompt": prompt}

    def read(self, clips: Tensor, taps: Sequence[str], depths: Sequence[int]) -> Mapping[str, Tensor]:
        """See ``VlmEncoder``. Every frame is a picture."""
        frames, tiling = clips.flatten(0, 1).float(), self._tiling(clips)
        base = tiling is None or bool(depths)
        tiles = self._tiles(frames, tiling, base=base)
        places = {*taps, PROJECTED} if depths else set(taps)
        raw = self._run_tower(tiles.flatten(0, 1).to(self.origin.torch_dtype), places)
        by_picture = {place: torch.unflatten(tokens, 0, tiles.shape[:2]) for place, tokens in raw.items()}
        grids = {tap: self._grid(by_picture[tap], tiling, base=base) for tap in taps}
        if depths:
            grids |= self._run_language(by_picture[PROJECTED], tiling, depths)
        return {tap: torch.unflatten(grid, 0, clips.shape[:2]) for tap, grid in grids.items()}

    def _tiling(self, clips: Tensor) -> Tiling | None:
        if not self._tiled:
            return None
        rows_px, cols_px = clips.shape[-2:]
        scale = self.input_px / min(rows_px, cols_px)
        size = (round(rows_px * scale), round(cols_px * scale))
        return tile_picture(size, self._model.config.image_grid_pinpoints or [], self._tile_px, self._side)

    def _tiles(self, frames: Tensor, tiling: Tiling | None, *, base: bool) -> Tensor:
        """What the tower is given: the base tile first, where it is needed. [N, tiles, 3, tile_px, tile_px]"""
        views = [resize(frames, (self._tile_px, self._tile_px)).unsqueeze(1)] if base else []
        if tiling is not None:
            views.append(cut_tiles(frames, tiling, self._tile_px))
        return normalise(views[0] if len(views) == 1 else torch.cat(views, dim=1), CLIP_MEAN, CLIP_STD)

    def _run_tower(self, tiles: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """Patch tokens by place, and projected ones where a tap needs them. {place: [N, side * side, C]}"""
        wanted = {*taps, self._feature_block} if PROJECTED in taps else taps
        modules = {PATCHES: self.tower.embeddings.patch_embedding}
        modules |= {block_tap(index): block for index, block in enumerate(self.tower.encoder.layers)}
        places = {name: module for name, module in modules.items() if name in wanted}
        with reading(places, until=list(places)[-1], device=self.origin.meeting_place) as found:
            self.tower(tiles)
        tokens = {
            name: output.flatten(2).transpose(1, 2) if name == PATCHES else output[:, 1:]
            for name, output in found.items()
        }
        if PROJECTED in taps:
            tokens[PROJECTED] = self._project(tokens[self._feature_block])
        return tokens

    def _project(self, tokens: Tensor) -> Tensor:
        """What the language model is given of one tile. [N, side * side, C] -> [N, cells, C]"""
        projected: Tensor = self.connector.multi_modal_projector(tokens)
        return projected

    def _grid(self, tokens: Tensor, tiling: Tiling | None, *, base: bool) -> Tensor:
        """Tokens of all tiles of each picture to its grid. [N, tiles, side * side, C] -> [N, H, W, C]"""
        if tiling is None:
            return torch.unflatten(tokens[:, 0], 1, (self._side, self._side))
        return join_tiles(tokens[:, 1:] if base else tokens, tiling, self._side)

    def _run_language(self, projected: Tensor, tiling: Tiling | None, depths: Sequence[int]) -> dict[str, Tensor]:
        base = projected[:, 0]
        grid = self._grid(projected, tiling, base=True)
        sequence = base if tiling is None else pack(base, grid, self.connector.image_newline)
        states = self.language_of(depths[-1]).run(self._model.config.image_token_index, "image", list(sequence), depths)
        rows, cols = grid.shape[1:3]
        if tiling is None:
            return {llm_tap(depth): torch.unflatten(state, 1, (rows, cols)) for depth, state in states.items()}
        return {llm_tap(depth): unpack(state, base.shape[1], (rows, cols)) for depth, state in states.items()}
