"""OWL-ViT and OWLv2: a vision transformer whose every token predicts one box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness.parts.module_outputs import reading
from torch import Tensor, nn

from foresight_detectors.boxes import Detections
from foresight_detectors.prompts import prompt_ids
from foresight_detectors.sizes import BOXES, Size

HEADS = ("last", "projected", BOXES)
"""Taps behind the last block."""
TINY = 1e-6
"""What the class head adds to a length before it divides by it."""


class OwlNetwork:
    """``OwlViTForObjectDetection`` or ``Owlv2ForObjectDetection``, read at its taps.

    The text tower runs once, here, on fixed prompts; then it is deleted, and so is all that no tap reads. OWLv2 says
    by a head of its own whether a token shows an object, and is asked nothing.

    Args:
        model: In evaluation mode, on its device; it is changed.
        size: Its family.
    """

    def __init__(self, model: nn.Module, size: Size) -> None:
        self._model: Any = model
        self._base: Any = model.get_submodule(size.family)
        self._patch_px = int(size.config["vision_config"]["patch_size"])
        self.dtype = next(model.parameters()).dtype
        self._prompts = _prompt_embeddings(self._base, size) if size.family == "owlvit" else None
        without_text(self._base)

    def read(self, pixels: Tensor, taps: Sequence[str]) -> tuple[dict[str, Tensor], Detections | None]:
        """See ``Network.read``."""
        grid = (pixels.shape[-2] // self._patch_px, pixels.shape[-1] // self._patch_px)
        places = self._places(taps)
        deep = [tap for tap in taps if tap in HEADS]
        merged = None
        with reading(places, until=None if deep else list(places)[-1]) as found:
            merged = self._model.image_embedder(pixels, interpolate_pos_encoding=True)[0]
        tokens = {tap: _raster(tap, output, grid) for tap, output in found.items()}
        if merged is None:
            return tokens, None
        flat = merged.flatten(1, 2)
        if "last" in taps:
            tokens["last"] = merged
        if "projected" in taps:
            projected = self._model.class_head.dense0(flat)
            length = torch.linalg.norm(projected, dim=-1, keepdim=True) + TINY
            tokens["projected"] = (projected / length).reshape(*merged.shape[:3], -1)
        return tokens, self._detections(flat, merged) if BOXES in taps else None

    def _places(self, taps: Sequence[str]) -> Mapping[str, nn.Module]:
        """Modules whose outputs are read, shallow to deep."""
        vision = self._base.vision_model
        blocks = {f"block.{index:02d}": block for index, block in enumerate(vision.encoder.layers)}
        every = {"patch_embed": vision.embeddings.patch_embedding, **blocks}
        return {tap: module for tap, module in every.items() if tap in taps}

    def _detections(self, flat: Tensor, merged: Tensor) -> Detections:
        """One box a token, with its score. ``flat``: [N, H*W, C]; ``merged``: [N, H, W, C]"""
        boxes = self._model.box_predictor(flat, merged, interpolate_pos_encoding=True)
        if self._prompts is None:
            logits = self._model.objectness_predictor(flat)
        else:
            prompts = self._prompts.expand(len(flat), -1, -1)
            logits = self._model.class_predictor(flat, prompts)[0].amax(-1)
        return Detections(boxes, logits.float().sigmoid())


def without_text(base: nn.Module) -> None:
    """Delete from ``OwlViTModel`` or ``Owlv2Model`` what no tap reads."""
    for part in ("text_model", "text_projection", "visual_projection", "logit_scale"):
        delattr(base, part)


@torch.no_grad()
def _prompt_embeddings(base: Any, size: Size) -> Tensor:
    """The prompts in the space that tokens are compared in, each of length 1. [1, prompts, C]"""
    device = next(base.parameters()).device
    ids = torch.tensor(prompt_ids(size.config["text_config"]["vocab_size"]), device=device)
    embedded = base.get_text_features(input_ids=ids, attention_mask=torch.ones_like(ids)).pooler_output
    normed: Tensor = embedded / torch.linalg.norm(embedded, dim=-1, keepdim=True)
    return normed.unsqueeze(0)


def _raster(tap: str, output: Tensor, grid: tuple[int, int]) -> Tensor:
    """A feature map, or a sequence behind a class token. -> [N, H, W, C]"""
    if tap == "patch_embed":
        return output.movedim(1, -1)
    return output[:, 1:].reshape(len(output), *grid, output.shape[-1])
