"""Models that a plugin lays out itself: parts on the meta device, then their values from a seed or a checkpoint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import torch
from foresight_harness.contracts.specs import TapSpec
from foresight_harness.weights import differing, read_tensors, require_complete, require_memory
from torch import Tensor, nn

from foresight_vlm_kit.counting import count, count_on_meta, require_both
from foresight_vlm_kit.origin import Origin

VISION, LANGUAGE, UNREAD = "vision", "language", "unread"
"""Parts of a model, and what no tap needs: the language head and the norm before it."""


class Blueprint(Protocol):
    """What a plugin knows of one model: its modules, their names in checkpoints, and how they are drawn at random."""

    @property
    def trained_px(self) -> int:
        """Side of the square that the positions were trained for."""

    @property
    def blocks(self) -> int:
        """Of the whole language model."""

    def taps(self) -> Sequence[TapSpec]:
        """All taps, shallow to deep."""

    def vision(self, attention: str) -> nn.Module:
        """The vision side; called on the meta device."""

    def language(self, blocks: int, attention: str) -> nn.Module:
        """Embeddings and first blocks of the language model, without its final norm; called on the meta device."""

    def whole(self) -> nn.Module:
        """Everything, language head included: what parameters are counted with."""

    def place(self, name: str) -> tuple[str, str] | None:
        """Part that a published tensor belongs to and its name in there; None for a name that no such model has."""

    def native(self, part: str, name: str, tensor: Tensor) -> Iterable[tuple[str, Tensor]]:
        """One published tensor, named by ``place``, as the tensors of the part's module that it holds."""

    def random(self, part: str, name: str, shape: torch.Size, seed: int) -> Tensor:
        """Values of one tensor of the part's module."""


def require_parts(blueprint: Blueprint, origin: Origin, taps: Iterable[str]) -> None:
    """Refuse a vision side and language blocks that memory does not hold together. Raises: UsageError."""

    def language(blocks: int) -> int:
        return count_on_meta(lambda: blueprint.language(blocks, origin.attention))

    require_both(origin, taps, VISION, lambda: count_on_meta(lambda: blueprint.vision(origin.attention)), language)


def build_part(blueprint: Blueprint, origin: Origin, blocks: int | None = None) -> nn.Module:
    """The first ``blocks`` of the language model, or else the vision side, on its device and without gradients.

    Raises:
        UsageError: if memory does not hold it.
        CheckpointError: if a tensor is missing, unexpected or of another shape.
    """
    part = VISION if blocks is None else LANGUAGE
    with torch.device("meta"):
        laid = blueprint.vision(origin.attention) if blocks is None else blueprint.language(blocks, origin.attention)
    require_memory(f"{origin.name} ({part})", count(laid), origin.device, origin.dtype)
    shapes = laid.state_dict()
    if origin.folder is None:
        drawn = {name: blueprint.random(part, name, like.shape, origin.seed) for name, like in shapes.items()}
        values = {name: _placed(name, value, origin) for name, value in drawn.items()}
    else:
        values = _read(blueprint, origin, part, shapes)
    return materialise(laid, values, origin.device)


def _read(blueprint: Blueprint, origin: Origin, part: str, shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values of a part from its checkpoint; tensors of other parts and of blocks that were not built stay unread."""
    assert origin.folder is not None
    built = 1 + max(_block(name) or 0 for name in shapes)
    unknown: list[str] = []

    def wanted(published: str) -> bool:
        found = blueprint.place(published)
        if found is None:
            unknown.append(published)
            return False
        block = _block(found[1])
        return found[0] == part and not (block is not None and built <= block < blueprint.blocks)

    given: dict[str, Tensor] = {}
    for published, tensor in read_tensors(origin.folder, wanted):
        _, name = blueprint.place(published) or (part, published)
        given.update((own, _placed(own, value, origin)) for own, value in blueprint.native(part, name, tensor))
    require_complete(
        f"{origin.folder} ({part})",
        missing=shapes.keys() - given.keys(),
        unexpected=[*unknown, *(given.keys() - shapes.keys())],
        mismatched=differing(given, shapes),
    )
    return given


def _block(name: str) -> int | None:
    """Index of the language model's block that a tensor belongs to; None outside the blocks."""
    found = re.match(r"layers\.(\d+)\.", name)
    return int(found[1]) if found else None


def _placed(name: str, tensor: Tensor, origin: Origin) -> Tensor:
    """Frequencies stay in single precision: rounded once more, they would differ from run to run by ``--dtype``."""
    return tensor.to(origin.device, torch.float32 if name.endswith("inv_freq") else origin.torch_dtype)


def materialise(module: nn.Module, values: Mapping[str, Tensor], device: str) -> nn.Module:
    """Give a module from the meta device its values, in place. ``values`` hold exactly its state dict."""
    module.load_state_dict(values, strict=True, assign=True)
    rotary = getattr(module, "rotary_emb", None)
    if isinstance(rotary, nn.Module):
        # Its frequencies are in no checkpoint; computed on the meta device they have no values.
        module.rotary_emb = type(rotary)(config=module.config).to(device)
    empty = [name for name, value in (*module.named_parameters(), *module.named_buffers()) if value.is_meta]
    if empty:
        raise RuntimeError(f"{type(module).__name__}: {empty[0]} has no value ({len(empty)} in all)")
    return module.eval().requires_grad_(False)


def fan_in_std(shape: torch.Size) -> float:
    """Deviation at which a matrix keeps the variance of its input."""
    std: float = (shape.numel() / shape[0]) ** -0.5
    return std


def draw(name: str, shape: torch.Size, seed: int, std: float) -> Tensor:
    """Draw one tensor from a generator of its own, seeded by seed and name; the global generator is not used.

    Norms start at one, biases at zero, all else is normal.

    Args:
        name: Unique over the whole model.
        shape: Of the tensor.
        seed: Of the model.
        std: Deviation of what is neither norm nor bias.

    Returns:
        On the CPU. float32
    """
    if name.endswith(".bias"):
        return torch.zeros(shape)
    if len(shape) == 1:
        return torch.ones(shape)
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.randn(shape, generator=generator).mul_(std)
