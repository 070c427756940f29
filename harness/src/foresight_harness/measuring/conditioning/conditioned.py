"""Conditioning grids of one split, computed from cached streams as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foresight_harness.contracts.specs import GridShape
from foresight_harness.contracts.token_grids import require_finite
from foresight_harness.measuring.conditioning.pipeline_modules import PipelineModules
from foresight_harness.measuring.conditioning.stream_sets import StreamSet


@dataclass(frozen=True)
class Conditioning:
    """A ``GridBatches`` of conditioning grids: streams through frozen modules, a batch at a time."""

    streams: StreamSet
    modules: PipelineModules
    name: str
    reader: nn.Module | None = None
    """Turns a token set into a grid, where the fusion gives a set."""
    device: str = "cpu"
    batch: int = 64

    @property
    def shape(self) -> GridShape:
        """Shape of one sample's grid."""
        _, frames, rows, cols, width = self.take([0]).shape
        return GridShape(rows=rows, cols=cols, width=width, frames=frames)

    def __len__(self) -> int:
        return len(self.streams)

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(0, len(self), self.batch):
            yield self.take(range(start, min(start + self.batch, len(self))))

    def take(self, indices: Sequence[int]) -> Tensor:
        """Conditioning grids of these samples. [len(indices), T, H, W, C] float32 on the CPU

        Raises:
            GridError: if a value is not finite.
        """
        taps, clips = self.streams.take(indices, clips=self.modules.uses_image)
        moved = [[grid.to(self.device) for grid in stream] for stream in taps]
        with torch.inference_mode():
            tokens = self.modules(moved, None if clips is None else clips.to(self.device))
            if self.reader is not None:
                tokens = self.reader(tokens)
        require_finite(tokens, self.name)
        grid: Tensor = tokens.float().cpu()
        return grid
