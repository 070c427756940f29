"""Where the values of a part come from: a seed or a checkpoint. Only what a part needs is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from foresight_harness.weights import read_tensors, require_complete

from foresight_cogvlm2.initialising import random_tensor

if TYPE_CHECKING:
    from torch import Tensor, nn

    from foresight_cogvlm2.architecture import Architecture

VISION, LANGUAGE = "model.vision.", "model."
"""Published prefixes of the two parts. What is left of a name is its name in the part's module."""

_UNREAD = re.compile(r"^(lm_head|model\.norm)\.weight$")
_LANGUAGE = re.compile(r"^model\.(embed_tokens\.weight$|layers\.(\d+)\.)")


class Weights(Protocol):
    """Gives the values of one part."""

    def tensors(self, prefix: str, module: nn.Module, device: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """Values for the whole state dict of ``module`` (on the meta device), which is published under ``prefix``."""
        ...


@dataclass(frozen=True)
class RandomWeights:
    """Seeded values."""

    seed: int
    architecture: Architecture

    def tensors(self, prefix: str, module: nn.Module, device: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """See ``Weights``."""
        text = self.architecture.text
        return {
            name: _placed(name, random_tensor(prefix + name, like.shape, self.seed, text), device, dtype)
            for name, like in module.state_dict().items()
        }


@dataclass(frozen=True)
class Checkpoint:
    """Values of a checkpoint folder that ``published.open_folder`` accepted."""

    folder: Path
    architecture: Architecture

    def tensors(self, prefix: str, module: nn.Module, device: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """See ``Weights``. Raises: CheckpointError if a key is missing, unexpected or of another shape."""
        expected: Mapping[str, Tensor] = module.state_dict()
        layers = int(self.architecture.text.num_hidden_layers)
        built = 1 + max((_layer(LANGUAGE + name) or 0 for name in expected), default=0)
        unknown: list[str] = []

        def wanted(name: str) -> bool:
            if name.startswith(VISION):
                return prefix == VISION
            if not _LANGUAGE.match(name):
                if not _UNREAD.match(name):
                    unknown.append(name)
                return False
            layer = _layer(name)
            return prefix == LANGUAGE and not (layer is not None and built <= layer < layers)

        given = {
            name.removeprefix(prefix): _placed(name, tensor, device, dtype)
            for name, tensor in read_tensors(self.folder, wanted)
        }
        require_complete(
            self.folder,
            missing=[prefix + name for name in expected.keys() - given.keys()],
            unexpected=[*unknown, *(prefix + name for name in given.keys() - expected.keys())],
            mismatched=[
                prefix + name for name in given.keys() & expected.keys() if given[name].shape != expected[name].shape
            ],
        )
        return given


def _layer(name: str) -> int | None:
    found = _LANGUAGE.match(name)
    return int(found[2]) if found and found[2] else None


def _placed(name: str, tensor: Tensor, device: str, dtype: torch.dtype) -> Tensor:
    """Frequencies stay in single precision: rounded once more, they would differ from run to run by ``--dtype``."""
    return tensor.to(device=device, dtype=torch.float32 if name.endswith("inv_freq") else dtype)
