"""Operations and bytes: of encoders from their taps and parameters, of modules by running them without storage."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.specs import EncoderSpec, GridShape
from foresight_harness.contracts.specs.models import OWN
from foresight_harness.measuring.conditioning import build_modules
from foresight_harness.measuring.fitting.adapters import build_adapter, linear_width, on_latent_grid
from foresight_harness.measuring.fitting.phases import conditioning_shape
from foresight_harness.measuring.fitting.set_readers import SetReader
from foresight_harness.planning.candidates import ResolvedCandidate

AT_ONCE = 16
"""Pictures of one forward of an encoder: its weights are read once for all of them."""
CALLS_A_BLOCK = 15
"""Kernels of a transformer block, of fused attention."""
MOVED_A_BLOCK = 20
"""Tokens that a block reads and writes, over those that go in: projections, attention, a fourfold hidden layer."""
WIDE = 12
"""Parameters of a standard transformer block, over the square of its width."""
BLOCK, LLM = re.compile(r"block\.(\d+)"), re.compile(r"llm\.(\d+)")


class Work(NamedTuple):
    """What something takes, whatever carries it out."""

    flops: float = 0.0
    bytes: float = 0.0
    """Read and written."""
    calls: float = 0.0
    """Kernels."""

    def times(self, factor: float) -> Work:
        """As often."""
        return Work(*(factor * value for value in self))

    def plus(self, other: Work) -> Work:
        """Both."""
        return Work(*(mine + its for mine, its in zip(self, other, strict=True)))


class EncoderWork(NamedTuple):
    """Of one picture through an encoder, as deep as its deepest tap."""

    work: Work
    params: float
    """Of what runs."""
    counted: bool
    """False where the encoder has no numbered blocks, so that only its parameters are known."""


def encoder_work(spec: EncoderSpec, taps: Sequence[str], side_px: int, width: int) -> EncoderWork:
    """Blocks up to the deepest tap: two operations a parameter and token, and attention of every token to every one.

    A vision tower's block is taken to be of the standard size; what is left of the parameters is the language model's,
    with its embeddings, which makes that a little too dear. Windowed attention is counted as if it saw everything.

    Args:
        spec: The encoder.
        taps: That are read.
        side_px: Side of what it is fed.
        width: Bytes of a number.
    """
    names = [tap.name for tap in spec.taps]
    deepest = max(names.index(tap) for tap in taps)
    params = float(spec.params or 0)
    blocks = [tap for tap in spec.taps if BLOCK.fullmatch(tap.name)]
    if not blocks:
        tokens = spec.taps[deepest].cells(side_px) ** 2
        return EncoderWork(Work(2 * params * tokens, params * width / AT_ONCE, 0.0), params, params == 0)
    layers = max((int(named.group(1)) for tap in spec.taps if (named := LLM.fullmatch(tap.name))), default=0)
    tower = len(blocks) * WIDE * blocks[0].width ** 2 if layers else params
    used = [tap for tap in blocks if names.index(tap.name) <= deepest]
    found = _blocks(len(used), tower / len(blocks), blocks[0].cells(side_px) ** 2, blocks[0].width, width)
    run = len(used) * tower / len(blocks)
    last = LLM.fullmatch(names[deepest])
    if last and layers:
        tap, each = spec.taps[deepest], max(0.0, params - tower) / layers
        found = found.plus(_blocks(int(last.group(1)), each, tap.cells(side_px) ** 2, tap.width, width))
        run += int(last.group(1)) * each
    return EncoderWork(found, run, True)


def _blocks(count: int, params: float, tokens: int, channels: int, width: int) -> Work:
    one = Work(
        2 * params * tokens + 4 * tokens**2 * channels,
        width * (params / AT_ONCE + MOVED_A_BLOCK * tokens * channels),
        CALLS_A_BLOCK / AT_ONCE,
    )
    return one.times(count)


class ModuleWork(NamedTuple):
    """Of one sample from streams to the adapter's answer."""

    work: Work
    params: int
    width: int
    """Channels that a linear readout reads."""
    cells: int
    """Tokens that it reads."""
    written: float
    """Bytes that a sample's forward leaves for its backward: what every operation wrote."""


def module_work(
    candidate: ResolvedCandidate, taps: Sequence[Sequence[GridShape]], latents: GridShape | None
) -> ModuleWork | None:
    """Extractors, enhancers, fusion, and for latents reader and adapter, run forward on tensors without storage.

    Args:
        candidate: Whose modules are counted.
        taps: Shape of every tap, by stream.
        latents: Of the decoder; None counts up to the conditioning grid.

    Returns:
        None where a module must read values, and so cannot be run without any.
    """
    key = (
        tuple(stream.extractor.name for stream in candidate.streams),
        candidate.enhancer.name,
        candidate.fusion.name,
        candidate.decoder.name if latents else None,
        tuple(map(tuple, taps)),
        latents,
    )
    if key not in _known:
        _known[key] = _module_work(candidate, taps, latents)
    return _known[key]


_known: dict[Hashable, ModuleWork | None] = {}
"""What was counted before: many candidates share their modules."""


def _module_work(
    candidate: ResolvedCandidate, taps: Sequence[Sequence[GridShape]], latents: GridShape | None
) -> ModuleWork | None:
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.no_grad():
            modules = build_modules(candidate, taps, 0)
            tail = None if latents is None else _tail(candidate, taps, latents)
            given = [[torch.empty(1, one.frames, one.rows, one.cols, one.width) for one in stream] for stream in taps]
            shape = conditioning_shape(candidate, taps)

            def forward() -> None:
                grid = modules.fusion(modules.enhanced(given))
                if tail is not None and latents is not None:
                    tail(grid)

            work, written = counted(forward)
    except (NotImplementedError, RuntimeError, ForesightError, AttributeError, TypeError, ValueError):
        return None  # what a module raises that reads a value, or the picture
    parts = [modules] if tail is None else [modules, tail]
    params = sum(parameter.numel() for part in parts for parameter in part.parameters())
    joined = 1 if latents is None else max(1, shape.rows // latents.rows) * max(1, shape.cols // latents.cols)
    cells = shape.cells if latents is None else latents.cells
    return ModuleWork(work, params, shape.width * joined, cells, written)


class _Tail(nn.Module):
    """Reader and adapter behind the fusion."""

    def __init__(self, reader: nn.Module | None, adapter: nn.Module, latents: GridShape, width: int | None) -> None:
        super().__init__()
        self.reader, self.adapter, self.latents, self.width = reader, adapter, latents, width

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T, H, W, C] -> what the adapter answers"""
        if self.reader is not None:
            grid = self.reader(grid)
        if self.width is not None:  # a linear map of the tokens of each latent cell
            one = self.latents
            return cast(Tensor, self.adapter(torch.empty(len(grid), one.frames, one.rows, one.cols, self.width)))
        placed = on_latent_grid(grid, (self.latents.frames, *grid.shape[2:4]))
        return cast(Tensor, self.adapter(placed))


def _tail(candidate: ResolvedCandidate, taps: Sequence[Sequence[GridShape]], latents: GridShape) -> _Tail | None:
    spec, shape = candidate.decoder, conditioning_shape(candidate, taps)
    if spec.adapter == OWN:
        return None
    size, reader = (latents.rows, latents.cols), None
    if shape.is_set:
        reader = SetReader(shape.width, *size, None)
        shape = replace(shape, rows=size[0], cols=size[1], is_set=False)
    width = linear_width(spec, shape, size) if spec.adapter == "linear" else None
    return _Tail(reader, build_adapter(spec, shape, latents.width, size), latents, width)


class _Moved(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own __init_subclass__
    """Bytes that operations read and write, and how many operations there are; views move nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes, self.written, self.calls = 0, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if not any(returned.alias_info for returned in func._schema.returns):
            written = _bytes_of((made,))
            self.bytes += _bytes_of(args) + written
            self.written += written
            self.calls += 1
        return made


def _flat(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += _flat(value) if isinstance(value, list | tuple) else [value]
    return found


def _bytes_of(values: Sequence[Any]) -> int:
    return sum(one.numel() * one.element_size() for one in _flat(values) if isinstance(one, Tensor))


def counted(call: Callable[[], object]) -> tuple[Work, float]:
    """Operations, bytes and kernels of a call, and what it wrote in bytes."""
    with FlopCounterMode(display=False) as flops, _Moved() as moved:
        call()
    return Work(float(flops.get_total_flops()), float(moved.bytes), float(moved.calls)), float(moved.written)
