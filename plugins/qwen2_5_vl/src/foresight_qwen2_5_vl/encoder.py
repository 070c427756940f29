"""Qwen2.5-VL as an encoder: clips in, token grids at its taps out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.module_outputs import reading
from foresight_vlm_kit.encoder import VlmEncoder
from foresight_vlm_kit.language import LibraryLanguage
from foresight_vlm_kit.library import LibraryModel
from foresight_vlm_kit.origin import origin_of
from foresight_vlm_kit.pictures import resize
from foresight_vlm_kit.presets import LIBRARY_LOADING
from foresight_vlm_kit.taps import PATCHES, block_tap, llm_tap
from torch import Tensor, nn

from foresight_qwen2_5_vl.grids import raster_index
from foresight_qwen2_5_vl.parts import library_model
from foresight_qwen2_5_vl.preprocessing import normalise, patchify, target_size
from foresight_qwen2_5_vl.presets import PREPROCESSING, PROMPT, PROMPT_IDS, SECONDS_PER_SLOT, Size
from foresight_qwen2_5_vl.taps import PROJECTED, taps_of

TEXT, IMAGE, VIDEO = 0, 1, 2
"""``mm_token_type_ids``; without them the library falls back to one-dimensional positions and says nothing."""


def build_encoder(preset: Size, request: BuildRequest) -> Qwen25VLEncoder:
    """Build the vision tower; the language model follows when a tap of it is first asked for.

    Raises:
        UsageError: if memory, attention, side or dtype do not allow it.
        CheckpointError: if the checkpoint is absent, damaged, unsafe or of another size.
    """
    if request.dtype == "float16":
        raise UsageError(f"{preset.name} in float16: its tower's activations overflow there. Use bfloat16 or float32.")
    origin = origin_of(
        preset,
        request,
        model_types=["qwen2_5_vl"],
        expected="Qwen2.5-VL",
        preprocessing=PREPROCESSING,
        **LIBRARY_LOADING,
    )
    model = library_model(preset, origin)
    model.require_memory(request.taps)
    return Qwen25VLEncoder(preset, model, request.input_px or 224)


class Qwen25VLEncoder(VlmEncoder[LibraryLanguage]):
    """The vision tower, and as much of the language model as has been asked for so far."""

    def __init__(self, preset: Size, model: LibraryModel, input_px: int) -> None:
        """Build the tower; ``input_px`` is the short side of the resized picture."""
        vision, self._preset, self._model = model.config.vision_config, preset, model
        super().__init__(model.origin, taps_of(preset.config), preset.params, input_px)
        self._patch, self._merge = vision.patch_size, vision.spatial_merge_size
        self._raster = partial(raster_index, merge=self._merge, window=vision.window_size, patch=self._patch)
        self._slot_frames = vision.temporal_patch_size
        self._last_block = block_tap(vision.depth - 1)
        if input_px < self._patch * self._merge:
            raise UsageError(f"{preset.name} at {input_px} px: one token covers {self._patch * self._merge} px")
        self.tower: Any = model.build_tower()

    def vision_side(self) -> Sequence[nn.Module]:
        """See ``VlmEncoder``."""
        return [self.tower]

    def build_language(self, depth: int) -> LibraryLanguage:
        """See ``VlmEncoder``."""
        return self._model.build_language(depth, self._preset.prompt_ids)

    def own_facts(self) -> Mapping[str, Any]:
        """What the language model reads before the vision tokens, and their time."""
        ids = self._preset.prompt_ids
        prompt = PROMPT if ids == PROMPT_IDS else f"ids {list(ids)}"
        return {"prompt": prompt, "seconds_per_slot": SECONDS_PER_SLOT}

    def read(self, clips: Tensor, taps: Sequence[str], depths: Sequence[int]) -> Mapping[str, Tensor]:
        """See ``VlmEncoder``. One frame is a picture, several are a video of ceil(T / 2) slots."""
        batch, frames = clips.shape[:2]
        patches, grid = self._prepare(clips)
        sizes = torch.tensor([grid] * batch, device=patches.device)
        raw = self._run_tower(patches, sizes, {*taps, PROJECTED} if depths else taps)
        tokens = {tap: self._restore(tap, raw, batch, grid) for tap in taps}
        if depths:
            merged = (grid[0], grid[1] // self._merge, grid[2] // self._merge)
            states = self._run_language(raw[PROJECTED], batch, grid, depths, video=frames > 1)
            tokens |= {llm_tap(depth): state.reshape(batch, *merged, -1) for depth, state in states.items()}
        return tokens

    def _prepare(self, clips: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        batch, frames, _, rows_px, cols_px = clips.shape
        size = target_size(rows_px, cols_px, self.input_px, self._patch * self._merge)
        resized = resize(clips.flatten(0, 1).float(), size).view(batch, frames, 3, *size)
        patches, grid = patchify(resized, patch=self._patch, merge=self._merge, slot_frames=self._slot_frames)
        return normalise(patches).to(self.origin.torch_dtype), grid

    def _run_tower(self, patches: Tensor, sizes: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """Raw outputs by place; ``post_merge`` is there when the tower ran to its end."""
        wanted = {self._place(tap) for tap in taps}
        modules = {PATCHES: self.tower.patch_embed}
        modules |= {block_tap(index): block for index, block in enumerate(self.tower.blocks)}
        places = {name: module for name, module in modules.items() if name in wanted}
        until = None if PROJECTED in wanted else list(places)[-1]
        with reading(places, until=until, device=self.origin.meeting_place) as found:
            found[PROJECTED] = self.tower(patches, grid_thw=sizes).pooler_output.to(patches.device)
        return found

    def _place(self, tap: str) -> str:
        """The module output that a tap is read from."""
        return self._last_block if tap == "pre_merge" else tap

    def _restore(self, tap: str, raw: Mapping[str, Tensor], batch: int, grid: tuple[int, int, int]) -> Tensor:
        slots, rows, cols = grid
        tokens = raw[self._place(tap)]
        if tap == PROJECTED:  # the model has put these back itself
            return tokens.view(batch, slots, rows // self._merge, cols // self._merge, -1)
        index = self._raster(batch, grid, windowed=tap != PATCHES, device=tokens.device)
        return tokens.index_select(0, index).view(batch, *grid, -1)

    def _run_language(
        self, merged: Tensor, batch: int, grid: tuple[int, int, int], depths: Sequence[int], *, video: bool
    ) -> dict[int, Tensor]:
        """Residual states by number of blocks. [B * T * H' * W', C] in raster order -> {k: [B, T * H' * W', C]}"""
        language, config = self.language_of(depths[-1]), self._model.config
        count, kind = len(merged) // batch, "video" if video else "image"
        types = [*[TEXT] * len(language.prompt), *[VIDEO if video else IMAGE] * count]
        return language.run(
            config.video_token_id if video else config.image_token_id,
            kind,
            torch.split(merged, count),
            depths,
            mm_token_type_ids=torch.tensor(types, device=merged.device).expand(batch, -1),
            second_per_grid_ts=torch.full((batch,), SECONDS_PER_SLOT) if video else None,
            **{f"{kind}_grid_thw": torch.tensor([grid] * batch, device=merged.device)},
        )
