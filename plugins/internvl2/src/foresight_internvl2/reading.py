"""Runs the parts and reads their states, never deeper than asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import torch
from foresight_harness.parts.module_outputs import reading

if TYPE_CHECKING:
    from torch import Tensor, nn

    from foresight_internvl2.modules import Vision


def read_vision(vision: Vision, pixels: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
    """Read the tower and the projector.

    Args:
        vision: Tower and projector.
        pixels: Normalised tiles. [N, 3, S, S]
        wanted: Names of taps, ``llm`` taps excluded; ``post_projector`` is what the language model is given.

    Returns:
        Patch tokens in raster order without the class token. ``patch_embed`` (before positions are added),
        ``block.NN``, ``pre_shuffle``: [N, cells, C]; ``post_projector``: [N, cells / 4, C']
    """
    tower: Any = vision.vision_tower
    found: dict[str, Tensor] = {}
    blocks = _blocks_needed(wanted, len(tower.encoder.layer))
    if blocks == 0:
        return {"patch_embed": tower.embeddings.patch_embeddings(pixels)} if "patch_embed" in wanted else {}
    with reading({"patch_embed": tower.embeddings.patch_embeddings}) as captured:
        states = tower.embeddings(pixels)
    if "patch_embed" in wanted:
        found["patch_embed"] = captured["patch_embed"]
    for index, block in enumerate(tower.encoder.layer[:blocks]):
        states = block(states)
        if f"block.{index:02d}" in wanted:
            found[f"block.{index:02d}"] = states[:, 1:]
    if "pre_shuffle" in wanted or "post_projector" in wanted:
        final = tower.layernorm(states)[:, 1:]
        if "pre_shuffle" in wanted:
            found["pre_shuffle"] = final
        if "post_projector" in wanted:
            found["post_projector"] = vision.multi_modal_projector(unshuffle(final))
    return found


def _blocks_needed(wanted: Collection[str], blocks: int) -> int:
    if "pre_shuffle" in wanted or "post_projector" in wanted:
        return blocks
    return max((int(name.removeprefix("block.")) + 1 for name in wanted if name.startswith("block.")), default=0)


def unshuffle(tokens: Tensor) -> Tensor:
    """Join each 2x2 group of a square raster into one token, channels in the order (0,0), (0,1), (1,0), (1,1).

    [N, S * S, C] -> [N, S/2 * S/2, 4 * C]
    """
    count, cells, width = tokens.shape
    side = round(cells**0.5)
    groups = tokens.reshape(count, side // 2, 2, side // 2, 2, width).permute(0, 1, 3, 2, 4, 5)
    return groups.reshape(count, cells // 4, 4 * width)


def read_language(
    language: nn.Module, image_tokens: Tensor, prefix_ids: Sequence[int], depths: Collection[int]
) -> dict[int, Tensor]:
    """Read the language model's residual state after the given numbers of layers, at the picture's tokens.

    The sequence is the prefix, then the picture; attention is causal, so nothing after the picture could matter.

    Args:
        language: At least as many layers as the deepest of ``depths``, without a final norm.
        image_tokens: Output of the projector. [N, cells, C]
        prefix_ids: Token ids in front of the picture.
        depths: Numbers of layers, from 1.

    Returns:
        States by number of layers. [N, cells, C] each
    """
    model: Any = language
    ids = torch.tensor(prefix_ids, device=image_tokens.device, dtype=torch.long)
    prefix = model.embed_tokens(ids).expand(image_tokens.shape[0], -1, -1)
    sequence = torch.cat([prefix.to(image_tokens.dtype), image_tokens], dim=1)
    layers = model.layers
    try:
        model.layers = layers[: max(depths)]
        with reading({str(depth): layers[depth - 1] for depth in depths}) as captured:
            model(inputs_embeds=sequence, use_cache=False)
    finally:
        model.layers = layers
    return {depth: captured[str(depth)][:, len(prefix_ids) :] for depth in depths}
