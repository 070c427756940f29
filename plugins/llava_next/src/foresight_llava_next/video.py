"""LLaVA-NeXT-Video as an encoder: the frames of a clip are one video, pooled 2x2 before the language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import UsageError
from foresight_vlm_kit.language import LibraryLanguage
from foresight_vlm_kit.library import LibraryModel
from foresight_vlm_kit.origin import origin_of
from foresight_vlm_kit.presets import LIBRARY_LOADING
from foresight_vlm_kit.taps import llm_tap
from torch import Tensor

from foresight_llava_next.encoder import LlavaNextEncoder
from foresight_llava_next.parts import library_video_model
from foresight_llava_next.presets import BASE_PREPROCESSING, Size
from foresight_llava_next.prompts import VIDEO, prompt_ids
from foresight_llava_next.taps import PROJECTED


def build_encoder(preset: Size, request: BuildRequest) -> LlavaNextVideoEncoder:
    """Build tower, pooling and projector; the language model follows when a tap of it is first asked for.

    Raises:
        UsageError: if memory, attention or input size do not allow it.
        CheckpointError: if the checkpoint is absent, damaged, unsafe or of another size.
    """
    origin = origin_of(
        preset,
        request,
        model_types=["llava_next_video"],
        expected="LLaVA-NeXT-Video",
        preprocessing=BASE_PREPROCESSING,
        **LIBRARY_LOADING,
    )
    model = library_video_model(preset, origin)
    (side,) = preset.sides(False)
    if request.input_px not in (None, side):
        raise UsageError(f"{preset.name} at {request.input_px} px: its tower takes frames of {side} px")
    model.require_memory(request.taps)
    return LlavaNextVideoEncoder(preset, model, side)


class LlavaNextVideoEncoder(LlavaNextEncoder):
    """The tower sees frames one by one; the language model reads all frames of a clip, in their order, as one video."""

    def __init__(self, preset: Size, model: LibraryModel, input_px: int) -> None:
        """Build the vision side."""
        from transformers.models.llava_next_video.modeling_llava_next_video import LlavaNextVideoPooler

        super().__init__(preset, model, input_px, tiled=False)
        pooler: Any = LlavaNextVideoPooler
        self._pool = pooler(model.config)
        self._cells = self._side // int(model.config.spatial_pool_stride)

    def build_language(self, depth: int) -> LibraryLanguage:
        """See ``VlmEncoder``."""
        ids = prompt_ids(self.origin.folder, self._preset.prompt, self._model.config.video_token_index, VIDEO)
        return self._model.build_language(depth, ids)

    def own_facts(self) -> Mapping[str, Any]:
        """See ``LlavaNextEncoder``."""
        return {**super().own_facts(), "view": "frames of one video, tokens pooled 2x2 before the projector"}

    def read(self, clips: Tensor, taps: Sequence[str], depths: Sequence[int]) -> Mapping[str, Tensor]:
        """See ``VlmEncoder``. Every frame is a slot; one frame is a video of one frame."""
        tiles = self._tiles(clips.flatten(0, 1).float(), None, base=True).flatten(0, 1)
        tokens = self._run_tower(tiles.to(self.origin.torch_dtype), {*taps, PROJECTED} if depths else set(taps))
        if depths:
            videos = torch.unflatten(tokens[PROJECTED], 0, clips.shape[:2]).flatten(1, 2)
            token, language = self._model.config.video_token_index, self.language_of(depths[-1])
            states = language.run(token, "video", list(videos), depths)
            tokens |= {llm_tap(depth): state for depth, state in states.items()}
        return {tap: self._of_frames(tap, tokens[tap], clips) for tap in (*taps, *map(llm_tap, depths))}

    def _project(self, tokens: Tensor) -> Tensor:
        """See ``LlavaNextEncoder``. The published model averages before it projects."""
        projected: Tensor = self.connector.multi_modal_projector(self._pool(tokens))
        return projected

    def _of_frames(self, tap: str, tokens: Tensor, clips: Tensor) -> Tensor:
        """Tokens of all frames on their grids. -> [B, T, H, W, C]"""
        side = self._tile_px // self.taps[tap].stride_px
        return tokens.reshape(*clips.shape[:2], side, side, tokens.shape[-1])
