"""Grounding DINO: a Swin, an encoder over four of its scales that also reads a text, and a decoder of boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from foresight_harness import UsageError
from foresight_harness.parts.module_outputs import reading
from torch import Tensor, nn

from foresight_detectors.boxes import Detections
from foresight_detectors.sizes import BOXES

STRIDES = (8, 16, 32, 64)
"""Pixels a token of the encoder's levels, finest first."""
UNREAD = "model.backbone.conv_encoder.model.swin.layernorm"
"""A norm of the Swin that nothing reads; the published weights do not have it."""


class GroundingDinoNetwork:
    """``GroundingDinoForObjectDetection``, read at its taps.

    Every picture of a call has the same sides, so that nothing is padded and every place is attended to. The text is
    the same for every picture; blocks of the encoder let text and picture see each other.

    Args:
        model: In evaluation mode, on its device.
        text: Ids of what is asked for.
    """

    def __init__(self, model: nn.Module, text: Sequence[int]) -> None:
        self._model: Any = model
        self._text = torch.tensor([list(text)], device=next(model.parameters()).device)
        self.dtype = next(model.parameters()).dtype

    def read(self, pixels: Tensor, taps: Sequence[str]) -> tuple[dict[str, Tensor], Detections | None]:
        """See ``Network.read``. Boxes are predicted for one picture after the other: they begin at the tokens of the
        best scores, and where two scores are nearly equal, the rounding of a batch would decide between them."""
        if BOXES in taps and len(pixels) > 1:
            return _together([self.read(one, taps) for one in torch.split(pixels, 1)])
        grids = [(-(-pixels.shape[-2] // stride), -(-pixels.shape[-1] // stride)) for stride in STRIDES]
        if BOXES in taps:
            self._require_tokens(sum(rows * cols for rows, cols in grids), pixels.shape[-2:])
        places = self._places(taps)
        output = None
        with reading(places) as found:
            if BOXES in taps:
                output = self._model(pixels, input_ids=self._ids(pixels))
            elif list(places)[-1].startswith("stage."):
                self._run_stages(pixels, _number(list(places)[-1]))
            else:
                self._run_encoder(pixels, _number(list(places)[-1]) + 1)
        tokens = {tap: _grid(tap, found[self._place(tap)], pixels, grids) for tap in taps if tap != BOXES}
        if output is None:
            return tokens, None
        return tokens, Detections(output.pred_boxes, output.logits.float().sigmoid().amax(-1))

    def _ids(self, pixels: Tensor) -> Tensor:
        """The text, once for each picture. [N, words]"""
        return self._text.expand(len(pixels), -1)

    def _run_stages(self, pixels: Tensor, count: int) -> None:
        """Run the first stages of the Swin, without text and encoder."""
        backbone = self._model.model.backbone.conv_encoder.model
        with _first(backbone.swin.encoder, count):
            backbone(pixels)

    def _run_encoder(self, pixels: Tensor, count: int) -> None:
        """Run the Swin, the text and the first blocks of the encoder, without what follows."""
        inner = self._model.model
        with _first(inner.encoder, count), _ending_behind(inner.encoder):
            inner(pixels, input_ids=self._ids(pixels))

    def _require_tokens(self, count: int, sides: torch.Size) -> None:
        """Raises: UsageError where the encoder has fewer tokens than boxes are to be chosen from."""
        queries = int(self._model.config.num_queries)
        if count < queries:
            raise UsageError(
                f"Grounding DINO chooses {queries} tokens to begin boxes at, and a picture of {sides[0]}x{sides[1]} px "
                f"has {count}; ask for a larger side (--picture-px)"
            )

    def _places(self, taps: Sequence[str]) -> Mapping[str, nn.Module]:
        """Modules whose outputs are read, shallow to deep: the norms that end stages and blocks of the encoder."""
        inner = self._model.model
        norms = inner.backbone.conv_encoder.model.hidden_states_norms
        every = {name.replace("stage", "stage."): norm for name, norm in norms.items()}
        for index, block in enumerate(inner.encoder.layers):
            every[f"block.{index:02d}"] = block.deformable_layer.final_layer_norm
        wanted = {self._place(tap) for tap in taps}
        return {place: module for place, module in every.items() if place in wanted}

    def _place(self, tap: str) -> str:
        """Where a tap is read: levels are parts of what the last block gives."""
        return f"block.{len(self._model.model.encoder.layers) - 1:02d}" if tap.startswith("level.") else tap


class _Behind(Exception):
    """The module has run; what follows is not needed."""


@contextmanager
def _ending_behind(module: nn.Module) -> Iterator[None]:
    """Within it the forward that runs ``module`` ends with it."""

    def stop(*call: Any) -> None:
        raise _Behind

    handle = module.register_forward_hook(stop)
    try:
        yield
    except _Behind:
        pass
    finally:
        handle.remove()


@contextmanager
def _first(owner: Any, count: int) -> Iterator[None]:
    """Within it only the first ``count`` of the owner's ``layers`` run."""
    layers = owner.layers
    try:
        owner.layers = layers[:count]
        yield
    finally:
        owner.layers = layers


def _together(
    pictures: Sequence[tuple[dict[str, Tensor], Detections | None]],
) -> tuple[dict[str, Tensor], Detections | None]:
    """What single pictures gave, as of one call."""
    tokens = {tap: torch.cat([one[tap] for one, _ in pictures]) for tap in pictures[0][0]}
    found = [detections for _, detections in pictures if detections is not None]
    return tokens, Detections(torch.cat([one.boxes for one in found]), torch.cat([one.scores for one in found]))


def _number(place: str) -> int:
    return int(place.rpartition(".")[2])


def _grid(tap: str, output: Tensor, pixels: Tensor, grids: Sequence[tuple[int, int]]) -> Tensor:
    """Tokens of one scale, of a stage or of a level of the encoder's sequence, finest level first. -> [N, H, W, C]"""
    if tap.startswith("stage."):
        stride = 2 ** (_number(tap) + 1)
        return torch.unflatten(output, 1, (pixels.shape[-2] // stride, pixels.shape[-1] // stride))
    level = STRIDES.index(_number(tap)) if tap.startswith("level.") else 0
    begin = sum(rows * cols for rows, cols in grids[:level])
    rows, cols = grids[level]
    return torch.unflatten(output[:, begin : begin + rows * cols], 1, (rows, cols))
