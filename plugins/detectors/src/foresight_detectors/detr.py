"""DETR: a ResNet, an encoder over its last map, and a decoder whose queries predict boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness.parts.module_outputs import reading
from torch import Tensor, nn

from foresight_detectors.boxes import Detections
from foresight_detectors.sizes import BOXES


class DetrNetwork:
    """``DetrForObjectDetection`` over a ResNet of the same library, read at its taps.

    Every picture of a call has the same sides, so that nothing is padded and every place is attended to; the position
    embedding runs from the upper left to the lower right of the picture, whatever its sides.

    Args:
        model: In evaluation mode, on its device.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model: Any = model
        self.dtype = next(model.parameters()).dtype

    def read(self, pixels: Tensor, taps: Sequence[str]) -> tuple[dict[str, Tensor], Detections | None]:
        """See ``Network.read``."""
        places = self._places(taps)
        output = None
        with reading(places, until=None if BOXES in taps else list(places)[-1]) as found:
            output = self._model(pixels, pixel_mask=torch.ones_like(pixels[:, 0], dtype=torch.long))
        grid = (-(-pixels.shape[-2] // 32), -(-pixels.shape[-1] // 32))
        tokens = {tap: _raster(value, grid) for tap, value in found.items()}
        if output is None:
            return tokens, None
        nothing = output.logits.float().softmax(-1)[..., -1]
        return tokens, Detections(output.pred_boxes, 1 - nothing)

    def _places(self, taps: Sequence[str]) -> Mapping[str, nn.Module]:
        """Modules whose outputs are read, shallow to deep."""
        inner = self._model.model
        stages = {f"stage.{place}": stage for place, stage in enumerate(inner.backbone.model.encoder.stages, 1)}
        blocks = {f"block.{index:02d}": block for index, block in enumerate(inner.encoder.layers)}
        every = {**stages, "projected": inner.input_projection, **blocks}
        return {tap: module for tap, module in every.items() if tap in taps}


def _raster(output: Tensor, grid: tuple[int, int]) -> Tensor:
    """A feature map, or a sequence in raster order. -> [N, H, W, C]"""
    return output.movedim(1, -1) if output.ndim == 4 else output.reshape(len(output), *grid, output.shape[-1])
