"""Steps of a training: seeded, saved as they go, and the same whether or not interrupted."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from foresight_harness import CheckpointError, UsageError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

FILE = "training.safetensors"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Choices:
    """What a training is determined by, its pictures apart."""

    seed: int = 0
    steps: int = 1200
    batch: int = 32
    rate: float = 2e-3
    warm_up: int = 60
    memory: float = 0.95
    decay: float = 0.05


@dataclass
class Progress:
    """Where a training stands, as it is saved."""

    step: int
    cpu_s: float
    losses: list[float]


def run_steps(
    model: nn.Module,
    loss_at: Callable[[torch.Generator], Tensor],
    choices: Choices,
    identity: Mapping[str, Any],
    folder: Path,
    *,
    save_every_s: float,
    say: Callable[[str], None],
) -> Progress:
    """Train in place by AdamW, or go on from what ``folder`` holds.

    Args:
        model: At its start.
        loss_at: Loss of one step, given its only source of chance.
        choices: Rate, steps and the like.
        identity: JSON values that ``folder`` must have been begun with.
        folder: Where the state is saved, and read from.
        save_every_s: Seconds between two saves.
        say: Given one line a save.

    Raises:
        UsageError: if ``folder`` was begun with another identity.
        CheckpointError: if its file is damaged.
    """
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=choices.rate, betas=(0.9, choices.memory), weight_decay=choices.decay, fused=True
    )
    progress = _resumed(folder, model, optimiser, dict(identity)) or Progress(0, 0.0, [])
    began, earlier, saved = time.process_time(), progress.cpu_s, -math.inf
    while progress.step < choices.steps:
        for group in optimiser.param_groups:
            group["lr"] = rate_at(progress.step, choices)
        loss = loss_at(torch.Generator().manual_seed(choices.seed * 1_000_003 + progress.step))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        progress.step += 1
        progress.losses.append(round(float(loss.detach()), 5))
        progress.cpu_s = earlier + time.process_time() - began
        if time.monotonic() - saved >= save_every_s or progress.step == choices.steps:
            saved = time.monotonic()
            _save(folder, model, optimiser, asdict(progress) | {"identity": dict(identity)})
            recent = progress.losses[-20:]
            loss_now = sum(recent) / len(recent)
            say(f"step {progress.step}/{choices.steps}  loss {loss_now:.4f}  {progress.cpu_s:.0f} s of processor time")
    return progress


def rate_at(step: int, choices: Choices) -> float:
    """Learning rate: a rise, then half a cosine down to nothing."""
    if step < choices.warm_up:
        return choices.rate * (step + 1) / choices.warm_up
    way = (step - choices.warm_up) / max(1, choices.steps - choices.warm_up)
    return choices.rate * (1 + math.cos(math.pi * min(1.0, way))) / 2


def _save(folder: Path, model: nn.Module, optimiser: torch.optim.AdamW, figures: Mapping[str, Any]) -> None:
    """Replace the saved state at once: an interrupted save leaves the one before."""
    tensors = {f"model.{name}": tensor.detach() for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        if parameter in optimiser.state:  # the encoder's own mask token has no slope and stays at its start
            tensors |= {f"{key}.{name}": optimiser.state[parameter][key] for key in MOMENTS}
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{FILE}.tmp"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, written, {"figures": json.dumps(figures)})
    written.replace(folder / FILE)


def _resumed(folder: Path, model: nn.Module, optimiser: torch.optim.AdamW, identity: dict[str, Any]) -> Progress | None:
    """Everything as it was saved; None where nothing was."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as opened:
            figures = json.loads(opened.metadata()["figures"])
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        if figures["identity"] != identity:
            raise UsageError(f"{folder} was begun with other choices or pictures; name another folder or delete it")
        own = {key.removeprefix("model."): tensor for key, tensor in tensors.items() if key.startswith("model.")}
        model.load_state_dict(own)
        for name, parameter in model.named_parameters():
            if f"{MOMENTS[0]}.{name}" in tensors:
                optimiser.state[parameter] = {key: tensors[f"{key}.{name}"] for key in MOMENTS}
        return Progress(figures["step"], figures["cpu_s"], figures["losses"])
    except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} cannot be gone on from ({reason}); delete it to start anew") from error
