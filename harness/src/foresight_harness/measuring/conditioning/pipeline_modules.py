"""Extractors, enhancers and fusion of one candidate as one module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.specs import GridShape
from foresight_harness.measuring.conditioning.slots import averaged_in_slots, in_common_slots
from foresight_harness.measuring.conditioning.stream_sets import TapTensors
from foresight_harness.planning.candidates import ResolvedCandidate
from foresight_harness.planning.plugin_calls import calling

Call = Callable[..., Any]


def watched(part: nn.Module, *inputs: Any) -> Any:
    """Call a part under the name of its plugin. Raises: PluginFailure; see ``calling``."""
    with calling(part, "forward"):
        return part(*inputs)


class PipelineModules(nn.Module):
    """Streams to conditioning grid: one extractor and one enhancer a stream, one fusion."""

    def __init__(
        self, extractors: Sequence[nn.Module], enhancers: Sequence[nn.Module], fusion: nn.Module, *, uses_image: bool
    ) -> None:
        super().__init__()
        self.extractors = nn.ModuleList(extractors)
        self.enhancers = nn.ModuleList(enhancers)
        self.fusion = fusion
        self.uses_image = uses_image

    def forward(self, taps: TapTensors, clips: Tensor | None = None) -> Tensor:
        """[b, T, H_i, W_i, C_i] by stream and tap -> conditioning [b, T, H, W, C]"""
        return cast(Tensor, watched(self.fusion, self.enhanced(taps, clips, watched)))

    def enhanced(self, taps: TapTensors, clips: Tensor | None = None, call: Call = lambda part, *x: part(*x)) -> Any:
        """The streams as the fusion receives them: a list of tensors. ``call``: how parts are called; plainly where
        their time is measured."""
        streams = [call(extractor, list(inputs)) for extractor, inputs in zip(self.extractors, taps, strict=True)]
        extra = (clips,) if self.uses_image else ()
        found = [call(enhancer, stream, *extra) for enhancer, stream in zip(self.enhancers, streams, strict=True)]
        return averaged_in_slots(found)

    def counts(self) -> dict[str, int]:
        """Parameters by part."""
        return {
            "extractor": _count(self.extractors),
            "enhancer": _count(self.enhancers),
            "fusion": _count(self.fusion),
        }


def build_modules(candidate: ResolvedCandidate, shapes: Sequence[Sequence[GridShape]], seed: int) -> PipelineModules:
    """Build the modules of a candidate for real grids, initialised from ``seed`` alone.

    Args:
        candidate: Whose parts are built.
        shapes: Shape of every tap, by stream, as cached.
        seed: Seed of all initial parameters; the global generator is left as it was.

    Raises:
        GridError: if a part's declared shape and the grids do not go together.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        extractors, enhancers, streams = [], [], []
        for stream, taps in zip(candidate.streams, shapes, strict=True):
            extractors.append(stream.extractor.build(taps))
            shape = stream.extractor.output_shape(taps)
            enhancers.append(candidate.enhancer.build(shape))
            streams.append(candidate.enhancer.output_shape(shape))
        fusion = candidate.fusion.build(in_common_slots(streams))
    for part in (*extractors, *enhancers, fusion):
        if not isinstance(part, nn.Module):
            raise GridError(f"{candidate}: {type(part).__name__} is no nn.Module")
    return PipelineModules(
        cast("list[nn.Module]", extractors),
        cast("list[nn.Module]", enhancers),
        cast(nn.Module, fusion),
        uses_image=candidate.enhancer.uses_image,
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
