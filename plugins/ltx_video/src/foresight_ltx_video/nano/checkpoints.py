"""One file that holds all a training run needs to go on: safetensors with the run's figures as JSON in its header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from foresight_harness.contracts.errors import CheckpointError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

FILE = "training.safetensors"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam keeps of a parameter: steps are its own, for one may be trained later than others."""


def save_state(
    folder: Path, model: nn.Module, mean: dict[str, Tensor], optimiser: torch.optim.Adam, figures: dict[str, Any]
) -> None:
    """Replace the saved state at once: an interrupted save leaves the one before.

    Args:
        folder: Made where it is absent.
        model: Under training.
        mean: Running mean of its parameters, by name.
        optimiser: Whose parameters are those of ``model``, in order.
        figures: JSON values; ``step`` among them.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"mean.{name}": tensor for name, tensor in mean.items()}
    for (name, _), held in zip(model.named_parameters(), _moments(optimiser), strict=True):
        tensors |= {f"{key}.{name}": held[key] for key in MOMENTS if key in held}
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{FILE}.tmp"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, written, {"figures": json.dumps(figures)})
    written.replace(folder / FILE)


def load_state(
    folder: Path, model: nn.Module, mean: dict[str, Tensor], optimiser: torch.optim.Adam
) -> dict[str, Any] | None:
    """Set everything back to what was saved, and return the figures; None where nothing was.

    Raises:
        CheckpointError: if the file is damaged or of another model.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as opened:
            figures: dict[str, Any] = json.loads(opened.metadata()["figures"])
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        model.load_state_dict(
            {key.removeprefix("model."): tensor for key, tensor in tensors.items() if key.startswith("model.")}
        )
        for name in mean:
            mean[name].copy_(tensors[f"mean.{name}"])
        for name, parameter in model.named_parameters():
            if f"exp_avg.{name}" in tensors:
                optimiser.state[parameter] = {key: tensors[f"{key}.{name}"] for key in MOMENTS}
    except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} cannot be gone on from ({reason}); delete it to start anew") from error
    return figures


def _moments(optimiser: torch.optim.Adam) -> list[dict[str, Tensor]]:
    return [optimiser.state.get(parameter, {}) for group in optimiser.param_groups for parameter in group["params"]]
