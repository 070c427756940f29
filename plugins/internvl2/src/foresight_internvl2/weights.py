"""Where the values of a part come from: a seed or a checkpoint. Only what a part needs is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import torch
from foresight_harness.weights import read_tensors, require_complete

from foresight_internvl2.conversion import convert, layer_of, part_of
from foresight_internvl2.initialising import random_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn

    from foresight_internvl2.architecture import Architecture
    from foresight_internvl2.published import Layout

Group = Literal["vision", "language"]
"""``vision``: tower and projector, always there; ``language``: the first layers of the language model, on demand."""

_GROUPS: dict[str, tuple[Group, str]] = {
    "tower": ("vision", "vision_tower."),
    "projector": ("vision", "multi_modal_projector."),
    "language": ("language", ""),
}
"""Part of a checkpoint -> the group that holds it, and its prefix in the group's module."""


class Weights(Protocol):
    """Gives the values of one group."""

    def tensors(self, group: Group, module: nn.Module, device: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """Values for the whole state dict of ``module`` (which may be on the meta device)."""
        ...


@dataclass(frozen=True)
class RandomWeights:
    """Seeded values."""

    seed: int

    def tensors(self, group: Group, module: nn.Module, device: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """See ``Weights``."""
        named = {f"{group}.{name}": like for name, like in module.state_dict().items()}
        drawn = random_tensors(named, self.seed, device=device, dtype=dtype)
        return {name.removeprefix(f"{group}."): value for name, value in drawn.items()}


@dataclass(frozen=True)
class Checkpoint:
    """Values of a checkpoint folder that ``published.open_folder`` accepted."""

    folder: Path
    layout: Layout
    architecture: Architecture

    def tensors(self, group: Group, module: nn.Module, device: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """See ``Weights``. Raises: CheckpointError if a key is missing, unexpected or of another shape."""
        expected = module.state_dict()
        given: dict[str, Tensor] = {}
        unknown: list[str] = []
        for name, tensor in read_tensors(self.folder, lambda name: self._wanted(name, group, expected, unknown)):
            part, rest = part_of(name, self.layout) or ("unread", name)
            for native, value in convert(part, rest, tensor, self.layout, self.architecture):
                given[_GROUPS[part][1] + native] = value.to(device=device, dtype=dtype)
        require_complete(
            self.folder,
            missing=expected.keys() - given.keys(),
            unexpected=[*unknown, *(given.keys() - expected.keys())],
            mismatched=[name for name, value in given.items() if _differs(value, expected.get(name))],
        )
        return given

    def _wanted(self, name: str, group: Group, expected: dict[str, Tensor], unknown: list[str]) -> bool:
        found = part_of(name, self.layout)
        if found is None:
            unknown.append(name)
            return False
        part, rest = found
        if part == "unread" or _GROUPS[part][0] != group:
            return False
        return not (part == "language" and self._left_out(rest, expected))

    def _left_out(self, rest: str, expected: dict[str, Tensor]) -> bool:
        """Whether a tensor of the language model lies beyond the layers that were built (or is its final norm)."""
        built = 1 + max(layer_of(name) or 0 for name in expected)
        layer = layer_of(rest)
        return rest == "norm.weight" or (
            layer is not None and built <= layer < int(self.architecture.text["num_hidden_layers"])
        )


def _differs(value: Tensor, like: Tensor | None) -> bool:
    return like is not None and value.shape != like.shape
