"""A fit as one module of plain torch, and as a program that ``torch.export`` writes down."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.contracts.specs import GridShape
from foresight_harness.contracts.text import one_line
from foresight_harness.measuring.fitting.adapters import (
    PLACINGS,
    Adapter,
    LinearAdapter,
    TrainedAdapter,
    decode_latents,
    on_latent_grid,
)
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.parts.closed_form import RidgeFit

EXAMPLES = 3
"""Samples of the example: neither 0 nor 1, which programs take for special."""
TRACED = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn")
"""What a program tells of the machine and the files that it was traced in."""


@dataclass(frozen=True)
class Example:
    """Tokens, and what the harness itself makes of them."""

    tokens: list[Tensor]
    """By input. [3, T, H, W, C] each"""
    clips: Tensor | None
    output: Tensor

    @property
    def arguments(self) -> tuple[object, ...]:
        """As the program is called."""
        return (self.tokens,) if self.clips is None else (self.tokens, self.clips)


class Conditioner(nn.Module):
    """Tokens by input to what the head makes of them. Parameters are named by part: ``enhancer.``, ``adapter.`` ..."""

    def __init__(self, fitted: Fitted, order: Sequence[Sequence[int]], head: nn.Module, name: str) -> None:
        """Args:
        fitted: Modules of a fit; they are copied.
        order: By stream the places of its taps among the inputs.
        head: From conditioning grid to output.
        name: ``adapter`` or ``probe``.
        """
        super().__init__()
        own = copy.deepcopy(fitted.modules).to("cpu")
        self.extractor, self.enhancer, self.fusion = own.extractors, own.enhancers, own.fusion
        self.reader = None if fitted.reader is None else copy.deepcopy(fitted.reader).to("cpu")
        self.add_module(name, head)
        self.order, self.head = [list(places) for places in order], name
        self.eval()

    def forward(self, tokens: list[Tensor], clips: Tensor | None = None) -> Tensor:
        """[b, T, H_i, W_i, C_i] by input -> what the head makes"""
        extra = () if clips is None else (clips,)
        streams = []
        for extractor, enhancer, places in zip(self.extractor, self.enhancer, self.order, strict=True):
            streams.append(enhancer(extractor([tokens[place] for place in places]), *extra))
        grid = self.fusion(streams)
        if self.reader is not None:
            grid = self.reader(grid)
        made: Tensor = self.get_submodule(self.head)(grid)
        return made


class LinearHead(nn.Module):
    """The closed-form adapter: tokens of a latent cell through one linear map."""

    def __init__(self, ridge: RidgeFit, cells: str, latent: tuple[int, int, int]) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(ridge.weight.clone()), nn.Parameter(ridge.bias.clone())
        self.cells, self.latent = cells, latent

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T, H, W, C] -> [b, T', H', W', channels]"""
        return PLACINGS[self.cells](grid, self.latent) @ self.weight + self.bias


class NetworkHead(nn.Module):
    """A trained adapter behind the placing of cells and frames."""

    def __init__(self, adapter: TrainedAdapter, latent: tuple[int, int, int]) -> None:
        super().__init__()
        self.network = copy.deepcopy(adapter.network).to("cpu")
        self.cells, self.latent = adapter.cells, latent

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T, H, W, C] -> [b, T', H', W', channels]"""
        placed = grid if self.cells is None else PLACINGS[self.cells](grid, self.latent)
        made: Tensor = self.network(on_latent_grid(placed, (self.latent[0], *placed.shape[2:4])))
        return made


class MapHead(nn.Module):
    """The probe's map: which share of each cell objects cover, in the last temporal slot."""

    def __init__(self, ridge: RidgeFit) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(ridge.weight.clone()), nn.Parameter(ridge.bias.clone())

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T, H, W, C] -> [b, H, W]"""
        return (grid[:, -1] @ self.weight + self.bias)[..., 0]


def adapter_head(adapter: Adapter, latent: tuple[int, int, int]) -> nn.Module:
    """The adapter as a module. Raises: UsageError for one of a kind that is not known."""
    if isinstance(adapter, LinearAdapter):
        return LinearHead(adapter.ridge, adapter.cells, latent)
    if isinstance(adapter, TrainedAdapter):
        return NetworkHead(adapter, latent)
    if isinstance(adapter, OwnAdapter):
        if adapter.tuning is not None:
            raise UsageError(
                "a fit that changed its decoder (--recipe decoder_lora) cannot be exported without that change"
            )
        return copy.deepcopy(adapter.network).to("cpu")
    raise UsageError(f"an adapter of kind {type(adapter).__name__} cannot be exported")


def example_of(
    fitted: Fitted,
    order: Sequence[Sequence[int]],
    shapes: Sequence[GridShape],
    clips: tuple[int, ...] | None,
    latent: tuple[int, int, int] | None,
    ridge: RidgeFit | None = None,
) -> Example:
    """Seeded tokens, and the harness's own way from them to latents, to prompt tokens, or to the probe's map."""
    drawn = torch.Generator().manual_seed(0)
    tokens = [torch.randn(EXAMPLES, one.frames, one.rows, one.cols, one.width, generator=drawn) for one in shapes]
    pictures = None if clips is None else torch.rand(EXAMPLES, *clips, generator=drawn)
    with torch.inference_mode():
        moved = [[tokens[place].to(fitted.device) for place in places] for places in order]
        grid = fitted.modules(moved, None if pictures is None else pictures.to(fitted.device))
        grid = (grid if fitted.reader is None else fitted.reader(grid)).float().cpu()
        if ridge is not None:
            made = ridge.predict(grid[:, -1])[..., 0]
        elif isinstance(fitted.adapter, OwnAdapter):
            made = fitted.adapter.network(grid.to(fitted.device)).cpu()
        else:
            assert fitted.adapter is not None
            assert latent is not None
            made = decode_latents(fitted.adapter, grid, latent)
    return Example(tokens, pictures, made.clone())


def program_of(conditioner: Conditioner, example: Example, what: str) -> ExportedProgram:
    """The conditioner as a program of torch operations, for any number of samples.

    Where a module reads the number of samples as a plain number, the slower way of tracing, which reads Python's
    bytecode, is taken.

    Raises:
        UsageError: in one line, where neither can write it down.
    """
    batch = {0: Dim("batch", min=1)}
    dynamic = ([batch for _ in example.tokens],) if example.clips is None else ([batch for _ in example.tokens], batch)
    failed: Exception | None = None
    for strict in (False, True):
        try:
            program = torch.export.export(conditioner, example.arguments, dynamic_shapes=dynamic, strict=strict)
        except ForesightError:
            raise
        except Exception as error:  # whatever a module of a plugin does that no program can hold
            failed = error
        else:
            return _without_traces(program)
    reason = one_line(failed, 200)
    raise UsageError(f"{what} cannot be written down as a program ({type(failed).__name__}: {reason})") from failed


def save_program(program: ExportedProgram, path: Path) -> None:
    """Write the program without its weights, which lie beside it as safetensors: what is loaded there is all there is.

    In their stead stand zeros of one stored number each.
    """
    for name, tensor in list(program.state_dict.items()):
        empty = torch.zeros(1, dtype=tensor.dtype).expand(tensor.shape)
        program.state_dict[name] = nn.Parameter(empty) if isinstance(tensor, nn.Parameter) else empty
    program.example_inputs = None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No complete tensor found in the group")
        torch.export.save(program, path)


def _without_traces(program: ExportedProgram) -> ExportedProgram:
    """Without paths and frames of the machine that it was traced on."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            for name in TRACED:
                node.meta.pop(name, None)
    return program
