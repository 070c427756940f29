"""Qwen2.5-VL as an encoder: clips in, token grids at its taps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from foresight_harness.contracts.errors import CandidateError, GridError, UsageError
from foresight_harness.grids import TokenGrid
from foresight_harness.parts.module_outputs import reading
from torch import Tensor

from foresight_qwen2_5_vl.building import Origin, build_language
from foresight_qwen2_5_vl.grids import merged_grid, raster_index, to_grid
from foresight_qwen2_5_vl.language import LanguageReader
from foresight_qwen2_5_vl.preprocessing import normalise, patchify, resize, target_size
from foresight_qwen2_5_vl.presets import PROMPT, PROMPT_IDS, SECONDS_PER_SLOT, Preset
from foresight_qwen2_5_vl.taps import block_tap, llm_depth, taps_of

if TYPE_CHECKING:
    from torch import nn
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig

    Tower = nn.Module


class Qwen25VLEncoder:
    """The vision tower, and as much of the language model as has been asked for so far."""

    def __init__(
        self, preset: Preset, config: Qwen2_5_VLConfig, origin: Origin, tower: Tower, input_px: int | None = None
    ) -> None:
        """Wrap a built tower; ``input_px`` is the short side of the resized picture, 224 if None."""
        vision: Any = config.vision_config
        self.tower: Any = tower
        self.language: LanguageReader | None = None
        self._preset, self._config, self._origin = preset, config, origin
        self._patch, self._merge, self._window = vision.patch_size, vision.spatial_merge_size, vision.window_size
        self._slot_frames = vision.temporal_patch_size
        self._input_px = 224 if input_px is None else input_px
        self._order = {tap.name: place for place, tap in enumerate(taps_of(preset.config))}
        self._last_block = block_tap(vision.depth - 1)
        if self._input_px < self._patch * self._merge:
            raise UsageError(f"{preset.name} at {input_px} px: one token covers {self._patch * self._merge} px")

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features at the named taps; nothing deeper than the deepest of them runs.

        Args:
            clips: Pixels in [0, 1]. One frame is a picture, several are a video. [B, T, 3, H_px, W_px] float32
            taps: Names of the encoder's own taps.

        Returns:
            One grid per tap, in raster order, in the encoder's dtype. [B, ceil(T / 2), H, W, C]

        Raises:
            CandidateError: if a tap is unknown.
            GridError: if ``clips`` is not [B, T, 3, H_px, W_px].
        """
        self._check(clips, taps)
        batch, frames = clips.shape[:2]
        patches, grid = self._prepare(clips)
        depths = [depth for tap in taps if (depth := llm_depth(tap)) is not None]
        raw = self._run_tower(patches, [grid] * batch, taps)
        tokens = {tap: self._restore(tap, raw, batch, grid) for tap in taps if llm_depth(tap) is None}
        if depths:
            merged = (grid[0], grid[1] // self._merge, grid[2] // self._merge)
            states = self._reader(max(depths)).read(raw["post_merge"], batch, grid, depths, video=frames > 1)
            for tap in taps:
                if (depth := llm_depth(tap)) is not None:
                    tokens[tap] = states[depth].reshape(batch, *merged, -1)
        return {tap: TokenGrid(tokens[tap]) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """What is really used. ``params`` is the whole model; ``params_built`` grows when the LLM is first read."""
        parts = [self.tower, *([self.language.language_model] if self.language else [])]
        return {
            "attention": self._origin.attention,
            "dtype": self._origin.dtype,
            "params": self._preset.params,
            "params_built": sum(parameter.numel() for part in parts for parameter in part.parameters()),
            "llm_blocks": self.language.depth if self.language else 0,
            "input_px": self._input_px,
            "prompt": PROMPT if self._preset.prompt_ids == PROMPT_IDS else f"ids {list(self._preset.prompt_ids)}",
            "seconds_per_slot": SECONDS_PER_SLOT,
        }

    def _prepare(self, clips: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        batch, frames, _, rows_px, cols_px = clips.shape
        size = target_size(rows_px, cols_px, self._input_px, self._patch * self._merge)
        resized = resize(clips.flatten(0, 1).float(), size).view(batch, frames, 3, *size)
        patches, grid = patchify(resized, patch=self._patch, merge=self._merge, slot_frames=self._slot_frames)
        return normalise(patches).to(self._origin.torch_dtype), grid

    def _run_tower(self, patches: Tensor, grids: list[tuple[int, int, int]], taps: Sequence[str]) -> dict[str, Tensor]:
        """Raw outputs by place; ``post_merge`` is there when the tower ran to its end."""
        wanted = {self._place(tap) for tap in taps}
        modules = {"patch_embed": self.tower.patch_embed}
        modules |= {block_tap(index): block for index, block in enumerate(self.tower.blocks)}
        places = {name: module for name, module in modules.items() if name in wanted}
        until = None if "post_merge" in wanted else max(places, key=self._order.__getitem__)
        sizes = torch.tensor(grids, device=patches.device)
        with reading(places, until=until) as found:
            found["post_merge"] = self.tower(patches, grid_thw=sizes).pooler_output
        return found

    def _place(self, tap: str) -> str:
        """The module output that a tap is read from."""
        if llm_depth(tap) is not None:
            return "post_merge"
        return self._last_block if tap == "pre_merge" else tap

    def _restore(self, tap: str, raw: Mapping[str, Tensor], batch: int, grid: tuple[int, int, int]) -> Tensor:
        if tap == "post_merge":
            return merged_grid(raw[tap], batch, grid, self._merge)
        index = raster_index(
            batch,
            grid,
            merge=self._merge,
            window=self._window,
            patch=self._patch,
            windowed=tap != "patch_embed",
            device=raw[self._place(tap)].device,
        )
        return to_grid(raw[self._place(tap)], index, batch, grid)

    def _reader(self, depth: int) -> LanguageReader:
        """The language model with at least ``depth`` blocks, built on first need and rebuilt only to go deeper."""
        if self.language is None or self.language.depth < depth:
            self.language = None  # the old blocks are freed before the deeper model is allocated
            built = build_language(self._config, self._origin, depth)
            self.language = LanguageReader(self._config, built, self._preset.prompt_ids)
        return self.language

    def _check(self, clips: Tensor, taps: Sequence[str]) -> None:
        unknown = [tap for tap in taps if tap not in self._order]
        if unknown or not taps:
            named = ", ".join(unknown) or "no tap"
            raise CandidateError(f"{self._preset.name} has no tap {named}; it has {', '.join(self._order)}")
        if clips.ndim != 5 or clips.shape[2] != 3:
            raise GridError(f"clips are [B, T, 3, H_px, W_px], got shape {tuple(clips.shape)}")
