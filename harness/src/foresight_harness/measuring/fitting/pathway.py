"""What one optimiser sees: modules, reader and head between cached streams and a target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from foresight_harness.measuring.conditioning import PipelineModules
from foresight_harness.measuring.conditioning.stream_sets import TapTensors
from foresight_harness.parts.training.recipe import DECODER, Recipe


class Pathway(nn.Module):
    """Streams to a prediction. Without a pipeline it begins at conditioning grids that were computed before."""

    def __init__(
        self,
        pipeline: PipelineModules | None,
        reader: nn.Module | None,
        head: nn.Module,
        place: Callable[[Tensor], Tensor] | None = None,
        tuning: nn.Module | None = None,
    ) -> None:
        """Args:
        pipeline: Extractors, enhancers and fusion.
        reader: Turns a token set into a grid.
        head: From grid to prediction.
        place: Brings the grid to the latents' frames, or frames and cells, before the head; None leaves it as it is.
        tuning: What changes the decoder behind the prediction; the loss reads it.
        """
        super().__init__()
        self.pipeline, self.reader, self.head = pipeline, reader, head
        self.place = place
        self.tuning = tuning

    def forward(self, taps: TapTensors | Tensor, clips: Tensor | None = None) -> Tensor:
        """Taps by stream (or conditioning grids [b, T, H, W, C], without a pipeline) -> [b, T', H', W', K]"""
        grid: Tensor = taps if self.pipeline is None else self.pipeline(taps, clips)  # type: ignore[assignment]
        if self.reader is not None:
            grid = self.reader(grid)
        if self.place is not None:
            grid = self.place(grid)
        predicted: Tensor = self.head(grid)
        return predicted

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by part, under the names that recipes use; parts without any are left out."""
        modules: dict[str, nn.Module | None] = {"reader": self.reader, "head": self.head, DECODER: self.tuning}
        if self.pipeline is not None:
            modules["extractor"] = self.pipeline.extractors
            modules["enhancer"] = self.pipeline.enhancers
            modules["fusion"] = self.pipeline.fusion
        found = {name: list(module.parameters()) for name, module in modules.items() if module is not None}
        return {name: parameters for name, parameters in found.items() if parameters}

    @contextmanager
    def only(self, trains: Sequence[str]) -> Iterator[None]:
        """Freeze every other part, so that no gradient is computed for it, and thaw it afterwards."""
        frozen = [p for name, members in self.parts().items() if name not in trains for p in members]
        for parameter in frozen:
            parameter.requires_grad_(False)
            parameter.grad = None  # of an earlier phase: it would be counted into this one's norms
        try:
            yield
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)


@dataclass(frozen=True)
class Task:
    """One phase of one fit: everything that a training loop needs."""

    pathway: Pathway
    inputs: Callable[[Sequence[int]], tuple[Any, ...]]
    """Arguments of the pathway for the samples of these indices."""
    loss: Callable[[Tensor, Sequence[int]], Tensor]
    """From a prediction and the indices behind it to a scalar."""
    count: int
    recipe: Recipe
    seed: int
    constant: float | None = None
    phase: str = ""
    device: str = "cpu"
    numbers: int = 0
    """Of the largest grid of one step: whether stacking pays follows from it."""
    held_out: tuple[int, ...] = ()
    """Samples that are not trained on, where the recipe says that the fit may stop early, or sweeps learning rates."""

    def loss_of(self, indices: Sequence[int]) -> Tensor:
        """The scalar that one step descends."""
        return self.loss(self.pathway(*self.inputs(indices)), indices)
