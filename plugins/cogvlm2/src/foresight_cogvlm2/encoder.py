"""CogVLM2 as an encoder: runs tower, convolution, GLU and language model, never deeper than asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_vlm_kit.origin import Origin, origin_of
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD, squashed
from foresight_vlm_kit.square import SquareEncoder, run_blocks
from foresight_vlm_kit.taps import PATCHES, blocks_needed
from torch import Tensor

from foresight_cogvlm2.architecture import ATTENTION, PROJECTED
from foresight_cogvlm2.blueprint import CogVLM2Blueprint
from foresight_cogvlm2.presets import Size
from foresight_cogvlm2.published import open_checkpoint
from foresight_cogvlm2.rotary import position_ids, token_types, visual_tokens


def build_encoder(preset: Size, request: BuildRequest) -> CogVLM2Encoder:
    """Build one model as asked; see ``grant`` for what it raises."""
    return CogVLM2Encoder(preset, *grant(preset, request), request)


def grant(preset: Size, request: BuildRequest) -> tuple[Origin, CogVLM2Blueprint]:
    """Where the weights come from, and what is made of them.

    Raises:
        CheckpointError: if pretrained weights cannot be used.
        UsageError: if the memory does not hold it, or attention, side or kind of weights cannot be had.
    """
    kinds, architecture = [preset.class_name], preset.architecture
    origin = origin_of(
        preset,
        request,
        model_types=kinds,
        native=kinds,
        expected=f"CogVLM2 ({preset.name})",
        attention=ATTENTION,
        preprocessing=squashed(architecture.vision.image_size, CLIP_MEAN, CLIP_STD),
    )
    if origin.folder is not None:
        architecture = open_checkpoint(origin, preset)
    return origin, CogVLM2Blueprint(architecture)


class CogVLM2Encoder(SquareEncoder):
    """CogVLM2 on single square pictures, one a frame."""

    colours = (CLIP_MEAN, CLIP_STD)
    projected = PROJECTED
    _blueprint: CogVLM2Blueprint

    def read_vision(self, pixels: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """See ``SquareEncoder``. ``patch_embed`` is read before positions; a convolution leaves cells / 4."""
        vision = self.vision
        found = {PATCHES: vision.patch_embedding.patches(pixels)}
        joined = "post_conv" in wanted or PROJECTED in wanted
        behind = joined or "pre_conv" in wanted
        blocks = len(vision.transformer.layers) if behind else blocks_needed(wanted)
        if blocks == 0:
            return found
        states = vision.patch_embedding(found[PATCHES])
        states = run_blocks(vision.transformer.layers[:blocks], states, wanted, found)[:, 1:]
        if "pre_conv" in wanted:
            found["pre_conv"] = states
        if joined:
            found["post_conv"] = vision.convolve(states)
        if PROJECTED in wanted:
            found[PROJECTED] = vision.linear_proj(found["post_conv"])
        return found

    def read_language(self, language: Any, tokens: Tensor, depths: Sequence[int]) -> dict[int, Tensor]:
        """See ``SquareEncoder``. The sequence is start of text, picture start, the picture, picture end.

        Attention is causal, so no later text could matter; the picture's end is kept because a picture's last token is
        routed apart.
        """
        cells = tokens.shape[1]
        start, boi, eoi = self.marks(language, tokens)
        states = self.run_layers(language, torch.cat([start, boi, tokens, eoi], dim=1), token_types(cells), depths)
        return {depth: state[:, 2:-1] for depth, state in states.items()}

    def marks(self, language: Any, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Start of text, and what stands before and behind a picture. [N, cells, C] -> [N, 1, C] each"""
        start = torch.tensor([self._blueprint.architecture.text.bos_token_id], device=like.device)
        found = (language.embed_tokens(start)[None], self.vision.boi, self.vision.eoi)
        bos, boi, eoi = (mark.expand(like.shape[0], 1, -1).to(like.dtype) for mark in found)
        return bos, boi, eoi

    @staticmethod
    def run_layers(language: Any, states: Tensor, types: Tensor, depths: Sequence[int]) -> dict[int, Tensor]:
        """Residual states of whole sequences. [B, N, C], [N] -> {k: [B, N, C]}"""
        types = types.to(states.device)
        visual, positions = visual_tokens(types), position_ids(types)
        found: dict[int, Tensor] = {}
        for depth, layer in enumerate(language.layers[: max(depths)], start=1):
            states = layer(states, visual, positions)
            if depth in depths:
                found[depth] = states
        return found

    def own_facts(self) -> Mapping[str, Any]:
        """Whether image tokens have weights of their own in the language model."""
        return {**super().own_facts(), "visual_experts": self._blueprint.architecture.text.visual_experts}
