"""InternVL2 as its published chat reads: behind a conversation, on tiles of a picture, or on the frames of a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from foresight_harness import BuildRequest, UsageError
from foresight_harness.grids import require_finite
from foresight_vlm_kit.origin import Origin
from foresight_vlm_kit.pictures import normalise, resize
from foresight_vlm_kit.taps import llm_tap
from torch import Tensor

from foresight_internvl2.architecture import PROJECTED
from foresight_internvl2.blueprint import InternVL2Blueprint
from foresight_internvl2.encoder import InternVL2Encoder, run_language
from foresight_internvl2.presets import Size
from foresight_internvl2.prompts import chat_text, ids_before_pictures, video_text
from foresight_internvl2.tiling import Canvas, canvas_of


class ChatEncoder(InternVL2Encoder):
    """The published conversation stands before the picture."""

    view = "one tile a frame"

    @cached_property
    def prefix_ids(self) -> tuple[int, ...]:
        """See ``InternVL2Encoder``. Raises: CheckpointError where the checkpoint's tokenizer cannot be read."""
        return self.ids_before(chat_text())[0]

    def ids_before(self, text: str) -> list[tuple[int, ...]]:
        """Ids before each picture of a conversation. Raises: CheckpointError."""
        return ids_before_pictures(text, self._blueprint.architecture, self.origin.folder)

    def own_facts(self) -> Mapping[str, Any]:
        """See ``InternVL2Encoder``. Ids are told where they are the same in every run, or have been read."""
        facts = {**super(InternVL2Encoder, self).own_facts(), "view": self.view}
        if self.origin.folder is not None:
            return {**facts, "prompt": "the published conversation, in ids of the checkpoint's tokenizer"}
        count = len(self.prefix_ids)
        return {
            **facts,
            "prompt": f"{count} stand-in ids, one a character: random weights know no words",
        }


class TilesEncoder(ChatEncoder):
    """A picture is squashed to a canvas of tiles; the language model reads all of them, then the whole picture."""

    view = "dynamic tiles; the language model reads a thumbnail behind them"

    def __init__(self, preset: Size, origin: Origin, blueprint: InternVL2Blueprint, request: BuildRequest) -> None:
        """Build the vision side. Raises: UsageError if another side than the tile's is asked for; CheckpointError."""
        side = blueprint.trained_px
        if request.input_px not in (None, side):
            raise UsageError(
                f"{origin.name}:tiles at {request.input_px} px: its tiles are of {side} px; ask for {side}"
            )
        super().__init__(preset, origin, blueprint, request)

    def read(self, clips: Tensor, taps: Sequence[str], depths: Sequence[int]) -> Mapping[str, Tensor]:
        """See ``VlmEncoder``. Every frame is a picture."""
        rows_px, cols_px = clips.shape[-2:]
        canvas = canvas_of((rows_px, cols_px), self.input_px)
        frames = clips.to(self.origin.device).flatten(0, 1).float()
        tiles = cut_tiles(frames, canvas, self.input_px)
        if depths and canvas.thumbnail:
            tiles = torch.cat([tiles, resize(frames, (self.input_px, self.input_px)).unsqueeze(1)], 1)
        pixels = normalise(tiles, *self.colours).flatten(0, 1).to(self.origin.torch_dtype)
        found = self.read_vision(pixels, {*taps, PROJECTED} if depths else set(taps))
        by_picture = {tap: torch.unflatten(tokens, 0, tiles.shape[:2]) for tap, tokens in found.items()}
        if depths:
            language = self.language_of(depths[-1]).language_model
            states = self.read_language(language, by_picture[PROJECTED].flatten(1, 2), depths)
            for depth, state in states.items():
                by_picture[llm_tap(depth)] = torch.unflatten(state, 1, by_picture[PROJECTED].shape[1:3])
        return {tap: self._joined(tap, tokens, canvas, clips) for tap, tokens in by_picture.items()}

    def _joined(self, tap: str, tokens: Tensor, canvas: Canvas, clips: Tensor) -> Tensor:
        require_finite(tokens, f"{self.origin.name}:tiles@{tap}")
        return torch.unflatten(join_tiles(tokens[:, : canvas.tiles], canvas), 0, clips.shape[:2])


class VideoEncoder(ChatEncoder):
    """The language model reads all frames of a clip, in their order, as one video."""

    view = "frames of one video, one tile each"

    def states_of(self, tokens: Tensor, frames: int, depths: Sequence[int]) -> dict[int, Tensor]:
        """See ``SquareEncoder``. The conversation and each frame's number stand before the frames."""
        language = self.language_of(depths[-1]).language_model
        videos = torch.unflatten(tokens, 0, (-1, frames))
        parts, places, end = list[Tensor](), list[int](), 0
        for index, ids in enumerate(self.ids_before(video_text(frames))):
            words = language.embed_tokens(torch.tensor(ids, device=tokens.device))
            parts += [words.to(tokens.dtype).expand(len(videos), -1, -1), videos[:, index]]
            places += range(end + len(ids), end + len(ids) + tokens.shape[1])
            end += len(ids) + tokens.shape[1]
        states = run_language(language, torch.cat(parts, 1), depths)
        return {depth: state[:, places].reshape(len(tokens), tokens.shape[1], -1) for depth, state in states.items()}


def cut_tiles(frames: Tensor, canvas: Canvas, tile_px: int) -> Tensor:
    """Squash pictures to a canvas and cut it row by row. [N, 3, H_px, W_px] -> [N, tiles, 3, tile_px, tile_px]"""
    squashed = resize(frames, (canvas.rows * tile_px, canvas.cols * tile_px))
    cut = squashed.view(len(frames), 3, canvas.rows, tile_px, canvas.cols, tile_px).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(len(frames), canvas.tiles, 3, tile_px, tile_px)


def join_tiles(tokens: Tensor, canvas: Canvas) -> Tensor:
    """Tokens of square tiles to the canvas' grid. [N, tiles, side * side, C] -> [N, rows * side, cols * side, C]"""
    count, _, cells, width = tokens.shape
    side = round(cells**0.5)
    grid = tokens.reshape(count, canvas.rows, canvas.cols, side, side, width).permute(0, 1, 3, 2, 4, 5)
    return grid.reshape(count, canvas.rows * side, canvas.cols * side, width)
