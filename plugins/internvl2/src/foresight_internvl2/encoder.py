"""InternVL2 as an encoder: runs tower, projector and language model, never deeper than asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from foresight_harness.parts.module_outputs import reading
from foresight_vlm_kit.square import SquareEncoder, run_blocks
from foresight_vlm_kit.taps import PATCHES, blocks_needed
from torch import Tensor

from foresight_internvl2.architecture import MEAN, PROJECTED, STD
from foresight_internvl2.blueprint import InternVL2Blueprint


class InternVL2Encoder(SquareEncoder):
    """InternVL2 on single square tiles, one tile a frame."""

    colours = (MEAN, STD)
    projected = PROJECTED
    _blueprint: InternVL2Blueprint

    def read_vision(self, pixels: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """See ``SquareEncoder``. ``patch_embed`` is read before positions; ``post_projector`` has cells / 4."""
        tower = self.vision.vision_tower
        behind = "pre_shuffle" in wanted or PROJECTED in wanted
        blocks = len(tower.encoder.layer) if behind else blocks_needed(wanted)
        if blocks == 0:
            return {PATCHES: tower.embeddings.patch_embeddings(pixels)}
        with reading({PATCHES: tower.embeddings.patch_embeddings}) as found:
            states = tower.embeddings(pixels)
        states = run_blocks(tower.encoder.layer[:blocks], states, wanted, found)
        if behind:
            found["pre_shuffle"] = tower.layernorm(states)[:, 1:]
        if PROJECTED in wanted:
            found[PROJECTED] = self.vision.multi_modal_projector(unshuffle(found["pre_shuffle"]))
        return found

    def read_language(self, language: Any, tokens: Tensor, depths: Sequence[int]) -> dict[int, Tensor]:
        """See ``SquareEncoder``. Attention is causal: nothing behind the picture could matter."""
        ids = torch.tensor(self.prefix_ids, device=tokens.device, dtype=torch.long)
        prefix = language.embed_tokens(ids).expand(tokens.shape[0], -1, -1)
        states = run_language(language, torch.cat([prefix.to(tokens.dtype), tokens], dim=1), depths)
        return {depth: state[:, len(ids) :] for depth, state in states.items()}

    @property
    def prefix_ids(self) -> tuple[int, ...]:
        """Token ids in front of the picture in the language model."""
        return self._blueprint.architecture.prefix_ids

    def own_facts(self) -> Mapping[str, Any]:
        """What stands before the picture in the language model."""
        return {**super().own_facts(), "prefix_ids": list(self.prefix_ids)}


def run_language(language: Any, sequence: Tensor, depths: Sequence[int]) -> dict[int, Tensor]:
    """Residual states of sequences of embeddings, deeper blocks left out. [N, S, C] -> {k: [N, S, C]}"""
    layers = language.layers
    try:
        language.layers = layers[: max(depths)]
        with reading({str(depth): layers[depth - 1] for depth in depths}) as captured:
            language(inputs_embeds=sequence, use_cache=False)
    finally:
        language.layers = layers
    return {depth: captured[str(depth)] for depth in depths}


def unshuffle(tokens: Tensor) -> Tensor:
    """Join each 2x2 group of a square raster into one token, channels in the order (0,0), (0,1), (1,0), (1,1).

    [N, S * S, C] -> [N, S/2 * S/2, 4 * C]
    """
    count, cells, width = tokens.shape
    side = round(cells**0.5)
    groups = tokens.reshape(count, side // 2, 2, side // 2, 2, width).permute(0, 1, 3, 2, 4, 5)
    return groups.reshape(count, cells // 4, 4 * width)
