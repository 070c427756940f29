"""What a fit is asked for, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from foresight_harness.contracts.pairing import require_same_samples
from foresight_harness.contracts.protocols import ConditionedDecoder
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.conditioning import Conditioning, PipelineModules, StreamSet
from foresight_harness.measuring.fitting.adapters import Adapter
from foresight_harness.measuring.fitting.reconstruction import Pictures
from foresight_harness.parts.training.convergence import Convergence
from foresight_harness.parts.training.recipe import Objective, Recipe
from foresight_harness.planning.candidates import ResolvedCandidate


@dataclass(frozen=True)
class Fitted:
    """Modules of one candidate, fitted for one objective."""

    modules: PipelineModules
    reader: nn.Module | None
    adapter: Adapter | None
    convergence: Convergence | None
    """Of the last phase, with those before it; None where everything was solved in closed form."""
    device: str

    def conditioning(self, streams: StreamSet, name: str) -> Conditioning:
        """Conditioning grids of a split through the fitted modules."""
        return Conditioning(streams, self.modules, name, self.reader, self.device)

    def params(self) -> dict[str, int]:
        """Parameters by part, without encoder and decoder."""
        counts = self.modules.counts()
        if self.reader is not None:
            counts["reader"] = _count(self.reader)
        if self.adapter is not None:
            counts["adapter"] = self.adapter.params
            tuning = getattr(self.adapter, "tuning", None)
            if tuning is not None:
                counts["tuning"] = _count(tuning)
        return counts

    @property
    def size(self) -> int:
        """Numbers held in memory, roughly: parameters of all parts."""
        return sum(self.params().values())


@dataclass(frozen=True)
class FitRequest:
    """One fit: a candidate, an objective, a recipe and a seed."""

    candidate: ResolvedCandidate
    streams: StreamSet
    """Of the training split."""
    objective: Objective
    recipe: Recipe
    seed: int
    latents: CachedGrids | None = None
    """The decoder's latents of the same pictures, for the objective ``latents``."""
    pictures: Pictures | None = None
    """For losses on decoded pictures."""
    start: Fitted | None = None
    """The recipe's first phase, where it was made already: the spatial suite's fit. It is copied, not changed."""
    own: ConditionedDecoder | None = None
    """The built decoder, where it brings its own adapter."""

    def __post_init__(self) -> None:
        """Raises: GridError where a target is not of the same samples in the same order."""
        targets = (self.latents, None if self.pictures is None else self.pictures.split)
        require_same_samples(f"fit of {self.candidate}", self.streams, *(one for one in targets if one is not None))


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
