"""A small seeded training, saved as it goes and the same whether or not interrupted: how nano weights are made."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from foresight_harness.contracts.errors import CheckpointError, UsageError

FILE = "training.safetensors"
"""All that a training needs to go on: tensors, and its figures as JSON in the header."""
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam keeps of a parameter: steps are its own, for one may be trained later than others, or never."""
SEEDS_APART = 1_000_003


@dataclass
class Progress:
    """Where a training stands, as it is saved."""

    step: int
    cpu_s: float
    losses: list[float]


def run_steps(
    model: nn.Module,
    optimiser: torch.optim.Adam,
    loss_at: Callable[[int], Tensor],
    rates: tuple[float, ...],
    identity: Mapping[str, Any],
    folder: Path,
    *,
    save_every_s: float,
    say: Callable[[str], None],
) -> Progress:
    """Train in place, or go on from what ``folder`` holds.

    Args:
        model: At its start.
        optimiser: Of its parameters.
        loss_at: Loss of one step; what it draws follows from the step alone (``generator_at``). -> []
        rates: Learning rate of each step.
        identity: JSON values that ``folder`` must have been begun with.
        folder: Where the state is saved, and read from.
        save_every_s: Seconds between two saves.
        say: Given one line a save.

    Raises:
        UsageError: if ``folder`` was begun with another identity.
        CheckpointError: if its file is damaged.
    """
    held = load_state(folder, model, optimiser)
    if held is None:
        progress = Progress(0, 0.0, [])
    else:
        figures = require_identity(held[0], identity, folder)
        progress = Progress(figures["step"], figures["cpu_s"], figures["losses"])
    began, earlier, saved = time.process_time(), progress.cpu_s, -math.inf
    while progress.step < len(rates):
        for group in optimiser.param_groups:
            group["lr"] = rates[progress.step]
        loss = loss_at(progress.step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        progress.step += 1
        progress.losses.append(round(float(loss.detach()), 5))
        progress.cpu_s = earlier + time.process_time() - began
        if time.monotonic() - saved >= save_every_s or progress.step == len(rates):
            saved = time.monotonic()
            save_state(folder, model, optimiser, asdict(progress) | {"identity": dict(identity)})
            recent = progress.losses[-20:]
            loss_now = sum(recent) / len(recent)
            say(f"step {progress.step}/{len(rates)}  loss {loss_now:.4f}  {progress.cpu_s:.0f} s of processor time")
    return progress


def generator_at(seed: int, step: int) -> torch.Generator:
    """The only source of chance of a step: follows from seed and step alone."""
    return torch.Generator().manual_seed(seed * SEEDS_APART + step)


def require_identity(figures: dict[str, Any], identity: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The figures of a saved state that was begun with this identity. Raises: UsageError for another one."""
    if figures["identity"] != dict(identity):
        raise UsageError(f"{folder} was begun with other choices or pictures; name another folder or delete it")
    return figures


def save_state(
    folder: Path,
    model: nn.Module,
    optimiser: torch.optim.Adam,
    figures: Mapping[str, Any],
    further: Mapping[str, Tensor] | None = None,
) -> None:
    """Replace the saved state at once: an interrupted save leaves the one before.

    Args:
        folder: Made where it is absent.
        model: Under training.
        optimiser: Of its parameters.
        figures: JSON values; ``identity`` among them.
        further: Tensors that the training keeps beside, by name.
    """
    tensors = {f"model.{name}": tensor.detach() for name, tensor in model.state_dict().items()}
    tensors |= {f"further.{name}": tensor for name, tensor in (further or {}).items()}
    for name, parameter in model.named_parameters():
        held = optimiser.state.get(parameter, {})
        tensors |= {f"{key}.{name}": held[key] for key in MOMENTS if key in held}
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{FILE}.tmp"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, written, {"figures": json.dumps(figures)})
    written.replace(folder / FILE)


def load_state(
    folder: Path, model: nn.Module, optimiser: torch.optim.Adam
) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Set model and optimiser back to what was saved; figures and further tensors, None where nothing was saved.

    Raises:
        CheckpointError: if the file is damaged or of another model.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as opened:
            figures: dict[str, Any] = json.loads(opened.metadata()["figures"])
            figures["identity"], figures["step"]  # a state without them is none
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        model.load_state_dict(_below("model.", tensors))
        for name, parameter in model.named_parameters():
            if f"{MOMENTS[0]}.{name}" in tensors:
                optimiser.state[parameter] = {key: tensors[f"{key}.{name}"] for key in MOMENTS}
    except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} cannot be gone on from ({reason}); delete it to start anew") from error
    return figures, _below("further.", tensors)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
