"""What trainable candidates are fitted for: where objects are, or a decoder's latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_harness.cache import CachedGrids
from foresight_harness.candidates import ResolvedCandidate
from foresight_harness.fit.adapters import Adapter, ConvAdapter, LinearAdapter, fit_linear, on_latent_grid
from foresight_harness.fit.readers import SetReader
from foresight_harness.fit.recipe import Recipe
from foresight_harness.fit.trainer import Convergence, train
from foresight_harness.pipeline import Conditioning, PipelineModules, StreamSet, build_modules

SET_READER_CELLS = 16
"""Side of the grid on which a token set is read for localisation: that of the ViTs under test."""


@dataclass(frozen=True)
class Fitted:
    """Modules of one candidate, fitted for one objective."""

    modules: PipelineModules
    reader: nn.Module | None
    adapter: Adapter | None
    convergence: Convergence | None
    """None where everything was solved in closed form."""
    device: str

    def conditioning(self, streams: StreamSet, name: str) -> Conditioning:
        """Conditioning grids of a split through the fitted modules."""
        return Conditioning(streams, self.modules, name, self.reader, self.device)

    def params(self) -> dict[str, int]:
        """Parameters by part, without encoder and decoder."""
        counts = self.modules.counts()
        if self.reader is not None:
            counts["reader"] = sum(parameter.numel() for parameter in self.reader.parameters())
        if self.adapter is not None:
            counts["adapter"] = self.adapter.params
        return counts


class _Trained(nn.Module):
    """What one optimiser sees: modules, reader and head."""

    def __init__(self, modules: PipelineModules, reader: nn.Module | None, head: nn.Module) -> None:
        super().__init__()
        self.pipeline, self.reader, self.head = modules, reader, head

    def conditioning(self, streams: StreamSet, indices: Sequence[int], device: str) -> Tensor:
        taps, clips = streams.take(indices, clips=self.pipeline.uses_image)
        moved = [[grid.to(device) for grid in stream] for stream in taps]
        tokens = self.pipeline(moved, None if clips is None else clips.to(device))
        return tokens if self.reader is None else self.reader(tokens)  # type: ignore[no-any-return]


def fit_for_places(
    candidate: ResolvedCandidate, train_streams: StreamSet, recipe: Recipe, seed: int, device: str
) -> Fitted:
    """Fit extractor, enhancer and fusion so that a per-cell linear head sees which cells objects cover.

    The head is thrown away: the suite's own probe reads the fitted features, the same as it reads every candidate's.

    Raises:
        FitError: if the fit diverges or makes no progress.
    """
    modules = build_modules(candidate, train_streams.shapes(), seed).to(device)
    shape = candidate.fusion.output_shape(_stream_shapes(candidate, train_streams))
    if not candidate.trainable:
        return Fitted(modules.eval(), None, None, None, device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        reader = SetReader(shape.width, SET_READER_CELLS, SET_READER_CELLS).to(device) if shape.is_set else None
        head = nn.Sequential(nn.LayerNorm(shape.width), nn.Linear(shape.width, 1)).to(device)
    rows, cols = (SET_READER_CELLS, SET_READER_CELLS) if shape.is_set else (shape.rows, shape.cols)
    coverage = train_streams.split.labels.coverage(rows, cols, frames=shape.frames)
    trained = _Trained(modules, reader, head)

    def loss_of(indices: Sequence[int]) -> Tensor:
        logits = trained.head(trained.conditioning(train_streams, indices, device)).squeeze(-1)
        return F.binary_cross_entropy_with_logits(logits, coverage[list(indices)].to(device))

    convergence = train(trained, loss_of, len(train_streams), recipe, seed)
    return Fitted(modules, reader, None, convergence, device)


def fit_for_latents(
    candidate: ResolvedCandidate,
    train_streams: StreamSet,
    latents: CachedGrids,
    recipe: Recipe,
    seed: int,
    device: str,
) -> Fitted:
    """Fit everything between the streams and a decoder's latents.

    Modules without parameters under a ``linear`` adapter take the closed form. Trained modules under a ``linear``
    adapter are fitted together with a linear layer, which the closed form then replaces.

    Raises:
        FitError: if the fit diverges or makes no progress.
    """
    modules = build_modules(candidate, train_streams.shapes(), seed).to(device)
    shape = candidate.fusion.output_shape(_stream_shapes(candidate, train_streams))
    target = latents.shape
    size = (target.frames, target.rows, target.cols)
    linear = candidate.decoder.adapter == "linear"
    reader: nn.Module | None = None
    convergence: Convergence | None = None
    head: nn.Module
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        if shape.is_set:
            reader = SetReader(shape.width, target.rows, target.cols).to(device)
        if linear:
            head = nn.Linear(shape.width, target.width).to(device)
        else:
            head = ConvAdapter(shape.width, target.width, (target.rows, target.cols)).to(device)
    if candidate.trainable or not linear:
        trained = _Trained(modules, reader, head)

        def loss_of(indices: Sequence[int]) -> Tensor:
            grid = trained.conditioning(train_streams, indices, device)
            placed = on_latent_grid(grid, size) if linear else on_latent_grid(grid, (target.frames, *grid.shape[2:4]))
            return F.mse_loss(trained.head(placed), latents.take(indices).to(device))

        convergence = train(trained, loss_of, len(train_streams), recipe, seed)
    modules.eval()
    if not linear:
        return Fitted(modules, reader, _Placed(head, target.frames), convergence, device)  # type: ignore[arg-type]
    conditioning = Conditioning(train_streams, modules, str(candidate), reader, device)
    return Fitted(modules, reader, fit_linear(conditioning, latents), convergence, device)


class _Placed:
    """A convolutional adapter behind the placing of frames, so that every adapter is called alike."""

    def __init__(self, network: ConvAdapter, frames: int) -> None:
        self.network, self.frames = network, frames
        self.params = network.params

    def __call__(self, grid: Tensor) -> Tensor:
        placed = on_latent_grid(grid, (self.frames, *grid.shape[2:4]))
        with torch.inference_mode():
            return self.network(placed.to(next(self.network.parameters()).device)).cpu()  # type: ignore[no-any-return]


def decode_latents(adapter: Adapter, grid: Tensor, latent: tuple[int, int, int]) -> Tensor:
    """Latents that the adapter predicts for conditioning grids. [b, T, H, W, C] -> [b, T', H', W', channels]"""
    if isinstance(adapter, LinearAdapter):
        return adapter(on_latent_grid(grid, latent))
    return adapter(grid)


def _stream_shapes(candidate: ResolvedCandidate, streams: StreamSet) -> list:  # type: ignore[type-arg]
    shapes = []
    for stream, taps in zip(candidate.streams, streams.shapes(), strict=True):
        shapes.append(candidate.enhancer.output_shape(stream.extractor.output_shape(taps)))
    return shapes
