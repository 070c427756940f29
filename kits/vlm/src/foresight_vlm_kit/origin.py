"""Where the weights of an encoder come from and how they are held; a checkpoint is held to the size asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest, CheckpointError, UsageError
from foresight_harness.weights import (
    check_folder,
    checkpoint_folder,
    require_loading,
    require_processor,
    resolve_attention,
)

from foresight_vlm_kit.presets import ATTENTION, Preset


@dataclass(frozen=True)
class Origin:
    """Where weights come from and how they are held."""

    name: str
    """Of the encoder, for messages."""
    folder: Path | None
    """Checkpoint in the published layout; None for random weights."""
    seed: int
    device: str
    dtype: str
    attention: str
    """Resolved: never ``auto``."""
    config: Mapping[str, Any]
    """The checkpoint's ``config.json`` as it is; empty for random weights."""
    quantize: str = "none"
    """What matrices are quantised to: ``8bit``, ``4bit``."""
    device_map: str = "none"
    """``auto`` where the model lies over several GPUs."""

    @property
    def meeting_place(self) -> str | None:
        """Device that outputs of a model over several GPUs are brought to; None where there is one device."""
        return None if self.device_map == "none" else self.device

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch names it."""
        return getattr(torch, self.dtype)  # type: ignore[no-any-return]


def origin_of(
    preset: Preset,
    request: BuildRequest,
    *,
    model_types: Collection[str],
    expected: str,
    native: Collection[str] = (),
    attention: tuple[str, ...] = ATTENTION,
    preprocessing: Mapping[str, Any] | None = None,
    quantize: Sequence[str] = (),
    device_map: bool = False,
) -> Origin:
    """Grant a request, or refuse it before anything is built.

    Args:
        preset: The size.
        request: What the harness asks for.
        model_types: Kinds of checkpoint that are read; see ``check_folder``.
        expected: Name of the model, for messages.
        native: Those of ``model_types`` whose own code the plugin replaces.
        attention: Implementations that the architecture supports.
        preprocessing: Of the spec: a checkpoint whose own processor says other colours is refused.
        quantize: Formats that the plugin loads a checkpoint in.
        device_map: Whether the plugin spreads a model over GPUs.

    Raises:
        UsageError: if attention, kind of weights, number format or devices cannot be had.
        CheckpointError: if the checkpoint is absent, damaged, unsafe or of another architecture.
    """
    require_loading(preset.name, request, quantize, device_map=device_map)
    resolved = resolve_attention(request.attention, attention, request.device, request.dtype)
    folder, config = None, dict[str, Any]()
    if request.weights != "random" and request.weights in (preset.weights or ("pretrained",)):
        folder = checkpoint_folder(request.source, preset.repo, None)
        config = check_folder(folder, model_types=model_types, native=native, expected=expected)
        require_processor(folder, preprocessing or {}, preset.name)
    elif request.weights != "random":
        raise UsageError(f"{preset.name} has no {request.weights} weights; choose random or pretrained")
    held = (request.seed, request.device, request.dtype, resolved)
    return Origin(preset.name, folder, *held, config, request.quantize, request.device_map)


def require_size(
    origin: Origin, part: str, found: Mapping[str, Any], wanted: Mapping[str, Any], fields: Iterable[str]
) -> None:
    """Refuse a checkpoint whose widths, depths or kinds are not those that the spec has declared.

    Args:
        origin: Of the weights, for the message.
        part: Of the model, for the message.
        found: The checkpoint's configuration of that part.
        wanted: The encoder's own.
        fields: What must be equal.

    Raises:
        CheckpointError: naming the first difference.
    """
    for field in fields:
        if found[field] != wanted[field]:
            raise CheckpointError(
                f"{origin.folder} is another size than {origin.name}: its {part} {field} is {found[field]}, "
                f"not {wanted[field]}"
            )


@contextmanager
def complete(origin: Origin) -> Iterator[None]:
    """Within it, a field that the configuration lacks is an error that names it. Raises: CheckpointError."""
    try:
        yield
    except KeyError as error:
        raise CheckpointError(f"{origin.folder}/config.json lacks {error}; is it complete?") from error
