"""Runs the parts and reads their states, never deeper than asked."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from foresight_cogvlm2.language import Decoder
from foresight_cogvlm2.rotary import position_ids, token_types, visual_tokens
from foresight_cogvlm2.vision import Vision

BEHIND_TOWER = ("pre_conv", "post_conv", "vision_out")


def read_vision(vision: Vision, pixels: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
    """Read the tower, the convolution and the GLU.

    Args:
        vision: All of them.
        pixels: Normalised pictures. [N, 3, S, S]
        wanted: Names of taps, ``llm`` taps excluded.

    Returns:
        Tokens in raster order without the class token. ``patch_embed`` (before positions), ``block.NN``, ``pre_conv``:
        [N, cells, C]; ``post_conv``: [N, cells / 4, C]; ``vision_out``: [N, cells / 4, C']
    """
    patches = vision.patch_embedding.patches(pixels)
    found = {"patch_embed": patches} if "patch_embed" in wanted else {}
    blocks = _blocks_needed(wanted, len(vision.transformer.layers))
    if blocks == 0:
        return found
    states = vision.patch_embedding(patches)
    for index, block in enumerate(vision.transformer.layers[:blocks]):
        states = block(states)
        if f"block.{index:02d}" in wanted:
            found[f"block.{index:02d}"] = states[:, 1:]
    if "pre_conv" in wanted:
        found["pre_conv"] = states[:, 1:]
    if "post_conv" in wanted or "vision_out" in wanted:
        joined = vision.convolve(states[:, 1:])
        if "post_conv" in wanted:
            found["post_conv"] = joined
        if "vision_out" in wanted:
            found["vision_out"] = vision.linear_proj(joined)
    return found


def _blocks_needed(wanted: Collection[str], blocks: int) -> int:
    if any(name in wanted for name in BEHIND_TOWER):
        return blocks
    return max((int(name.removeprefix("block.")) + 1 for name in wanted if name.startswith("block.")), default=0)


def read_language(
    language: Decoder, vision: Vision, image_tokens: Tensor, bos_token_id: int, depths: Collection[int]
) -> dict[int, Tensor]:
    """Read the language model's residual state after the given numbers of layers, at the picture's tokens.

    The sequence is start of text, picture start, the picture, picture end. Attention is causal, so no later text could
    matter; the picture's end is kept because a picture's last token is routed apart.

    Args:
        language: At least as many layers as the deepest of ``depths``.
        vision: For the marks around a picture.
        image_tokens: Output of the GLU. [N, cells, C]
        bos_token_id: Id of the start of text.
        depths: Numbers of layers, from 1.

    Returns:
        States by number of layers, without the marks. [N, cells, C] each
    """
    count, cells, _ = image_tokens.shape
    start = language.embed_tokens(torch.tensor([bos_token_id], device=image_tokens.device))
    marks = (start[None], vision.boi, vision.eoi)
    bos, boi, eoi = (mark.expand(count, 1, -1).to(image_tokens.dtype) for mark in marks)
    states = torch.cat([bos, boi, image_tokens, eoi], dim=1)
    types = token_types(cells).to(image_tokens.device)
    visual, positions = visual_tokens(types), position_ids(types)
    found: dict[int, Tensor] = {}
    for depth, layer in enumerate(language.layers[: max(depths)], start=1):
        states = layer(states, visual, positions)
        if depth in depths:
            found[depth] = states[:, 2:-1]
    return found
