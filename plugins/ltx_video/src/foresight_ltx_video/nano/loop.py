"""Steps of a training run: seeded, saved as they go, the same whether or not interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from foresight_harness.parts.training.resumable import generator_at, load_state, require_identity, save_state
from torch import Tensor, nn


@dataclass(frozen=True)
class Choices:
    """What a run is determined by."""

    seed: int = 0
    steps: int = 800
    batch: int = 16
    rate: float = 3e-4
    warm_up: int = 20
    memory: float = 0.98
    """Share of the running mean of parameters that a step keeps."""


@dataclass
class Progress:
    """Where a run stands, as it is saved."""

    step: int
    wall_s: float
    cpu_s: float
    losses: list[float]


def run_steps(
    model: nn.Module,
    loss_at: Callable[[int], tuple[Tensor, float]],
    choices: Choices,
    identity: dict[str, Any],
    folder: Path,
    *,
    start: Callable[[], None],
    save_every_s: float,
    say: Callable[[str], None],
    watch: Callable[[int, dict[str, Tensor]], None] | None = None,
) -> Progress:
    """Train by Adam, or go on from what ``folder`` holds; leaves the running mean of parameters in ``model``.

    Args:
        model: All that is trained.
        loss_at: Loss of a step with gradients, and the figure to be kept of it; what it draws follows from the step.
        choices: Rate, steps and the like.
        identity: JSON values that ``folder`` must have been begun with.
        folder: Where the state is saved, and read from.
        start: Called where there is no state: sets the parameters that training begins at.
        save_every_s: Seconds between two saves.
        say: Given one line a save.
        watch: Given the number of steps that are done and the running mean, after every step; for a run that went on
            from a saved state, also after steps that it had seen before.

    Raises:
        UsageError: if ``folder`` was begun with another identity.
        CheckpointError: if its file is damaged.
    """
    began = time.monotonic(), time.process_time()
    optimiser = torch.optim.Adam(model.parameters(), lr=choices.rate, betas=(0.9, 0.98))
    held = load_state(folder, model, optimiser)
    if held is None:
        start()
        mean = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        progress = Progress(0, 0.0, 0.0, [])
    else:
        figures = require_identity(held[0], identity, folder)
        mean = held[1]
        progress = Progress(*(figures[name] for name in ("step", "wall_s", "cpu_s", "losses")))
    earlier = progress.wall_s, progress.cpu_s
    saved = -math.inf
    while progress.step < choices.steps:
        loss = _step(model, mean, optimiser, loss_at, choices, progress.step)
        progress.step += 1
        progress.losses.append(round(loss, 6))
        if watch is not None:
            watch(progress.step, mean)
        progress.wall_s = earlier[0] + time.monotonic() - began[0]
        progress.cpu_s = earlier[1] + time.process_time() - began[1]
        if time.monotonic() - saved >= save_every_s or progress.step == choices.steps:
            saved = time.monotonic()
            save_state(folder, model, optimiser, asdict(progress) | {"identity": identity}, mean)
            recent = progress.losses[-20:]
            say(f"step {progress.step}/{choices.steps}  loss {sum(recent) / len(recent):.4f}  {progress.wall_s:.0f} s")
    model.load_state_dict(model.state_dict() | mean)
    return progress


def _step(
    model: nn.Module,
    mean: dict[str, Tensor],
    optimiser: torch.optim.Adam,
    loss_at: Callable[[int], tuple[Tensor, float]],
    choices: Choices,
    step: int,
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = rate_at(step, choices)
    loss, figure = loss_at(step)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    keep = min(choices.memory, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            mean[name].lerp_(parameter, 1 - keep)
    return figure


def rate_at(step: int, choices: Choices) -> float:
    """Learning rate: a short rise, then half a cosine down to a hundredth."""
    if step < choices.warm_up:
        return choices.rate * (step + 1) / choices.warm_up
    way = (step - choices.warm_up) / max(1, choices.steps - choices.warm_up)
    return choices.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, way))) / 2)


def generator_of(choices: Choices, step: int) -> torch.Generator:
    """The only source of chance of a step: follows from seed and step alone."""
    return generator_at(choices.seed, step)
