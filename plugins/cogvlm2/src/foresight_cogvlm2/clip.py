"""CogVLM2-Video on whole clips: all frames are one sequence to the language model, each followed by its index.

Source: ``build_conversation_input_ids`` and ``build_position_ids`` in ``modeling_cogvlm.py`` of the published
``CogVLMVideoForCausalLM`` (THUDM/cogvlm2-video-llama3-chat and its captioner, the latter as carried by csbhr/Vivid-VR
under ``VRDiT/cogvlm2-llama3-caption``; facts only). With the template ``chat`` the sequence is: start of text; for each
frame 66 ids of type 1 (start mark, 64 tokens, end mark), then the frame's index as decimal text of type 0; then the
question. Positions count on over all frames: the 64 tokens of a frame share one, marks and text ids have their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import CheckpointError, UsageError
from foresight_harness.grids import require_finite
from foresight_vlm_kit.taps import llm_tap
from torch import Tensor

from foresight_cogvlm2.architecture import PROJECTED
from foresight_cogvlm2.encoder import CogVLM2Encoder, grant
from foresight_cogvlm2.frame_index import STAND_IN_START, index_ids
from foresight_cogvlm2.presets import CLIP, CLIP_FRAMES, Size
from foresight_cogvlm2.rotary import clip_token_types

TEMPLATE = "chat"
"""``template_version`` of the published chat model, and the only one that writes indices between the frames."""


def build_encoder(preset: Size, request: BuildRequest) -> CogVLM2ClipEncoder:
    """Build a video model that reads clips. Raises: see ``encoder.grant``; CheckpointError for another template."""
    named = replace(preset, name=f"{preset.name}:{CLIP}")
    origin, blueprint = grant(named, request)
    template = origin.config.get("template_version", TEMPLATE)
    if template != TEMPLATE:
        raise CheckpointError(
            f"{origin.folder}/config.json has template_version {template!r}, which writes no index behind a frame; "
            f"{named.name} reads {TEMPLATE!r}, so use {preset.name}, which reads frame by frame"
        )
    return CogVLM2ClipEncoder(named, origin, blueprint, request)


class CogVLM2ClipEncoder(CogVLM2Encoder):
    """The tower sees frames one by one; the language model reads all frames of a clip, each behind all earlier ones."""

    def read(self, clips: Tensor, taps: Sequence[str], depths: Sequence[int]) -> Mapping[str, Tensor]:
        """See ``VlmEncoder``. Raises: UsageError for more frames than the model was trained on."""
        frames = clips.shape[1]
        if frames > CLIP_FRAMES:
            raise UsageError(
                f"{self.origin.name} reads up to {CLIP_FRAMES} frames in one sequence, and a clip has {frames}; "
                f"give {CLIP_FRAMES} or fewer, or use {self.origin.name.removesuffix(f':{CLIP}')}, "
                "which reads frame by frame"
            )
        grids = dict(super().read(clips, [*taps, PROJECTED] if depths else taps, []))
        if depths:
            language = self.language_of(depths[-1]).language_model
            tokens = grids[PROJECTED]
            for depth, state in self.read_clips(language, tokens.flatten(2, 3), depths).items():
                require_finite(state, f"{self.origin.name}@{llm_tap(depth)}")
                grids[llm_tap(depth)] = state.reshape(tokens.shape)
        return grids

    def read_clips(self, language: Any, tokens: Tensor, depths: Sequence[int]) -> dict[int, Tensor]:
        """Residual states at the pictures' tokens after some numbers of blocks.

        Args:
            language: Embeddings and at least ``max(depths)`` layers.
            tokens: What the language model is given of each frame. [B, T, cells, C]
            depths: Numbers of blocks.

        Returns:
            {k: [B, T, cells, C]}
        """
        frames, cells = tokens.shape[1:3]
        texts = index_ids(self.origin.folder, frames)
        start, boi, eoi = self.marks(language, tokens[:, 0])
        pieces, firsts = [start], []
        for frame, ids in enumerate(texts):
            firsts.append(sum(piece.shape[1] for piece in pieces) + 1)
            said = language.embed_tokens(torch.tensor(ids, dtype=torch.long, device=tokens.device))
            said = said.expand(tokens.shape[0], -1, -1).to(tokens.dtype)
            pieces += [boi, tokens[:, frame], eoi, said]
        types = clip_token_types(cells, [len(ids) for ids in texts])
        states = self.run_layers(language, torch.cat(pieces, dim=1), types, depths)
        return {
            depth: torch.stack([state[:, first : first + cells] for first in firsts], dim=1)
            for depth, state in states.items()
        }

    def own_facts(self) -> Mapping[str, Any]:
        """Beside those of the picture reader, what stands between the frames."""
        stand_in = f"one stand-in id each, {STAND_IN_START} + index: random weights know no words"
        text = "index as text, by the checkpoint's tokenizer" if self.origin.folder else stand_in
        return {**super().own_facts(), "view": "all frames of a clip in one sequence", "text_behind_frames": text}
