"""The training of a nano twin: its choices, the loss of a step, its learning rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from foresight_harness.parts.training import resumable
from foresight_harness.parts.training.resumable import Progress
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_vlm_kit.nano.captions import Objective, captions
from foresight_vlm_kit.nano.pictures import Pool
from foresight_vlm_kit.nano.words import PADDING


class Reader(Protocol):
    """Next-token scores of captions by one family's real class."""

    def __call__(self, model: nn.Module, pixels: Tensor, words: Tensor, corners: Tensor | None = None) -> Tensor:
        """Scores of each word of captions given the picture and the words before it.

        Args:
            model: The whole model.
            pixels: Pictures in [0, 1]. [B, 3, H_px, W_px]
            words: Captions; ``PADDING`` is after their ends. [B, L]
            corners: Of close-ups: row and column of the first cell in the whole picture. [B, 2]

        Returns:
            [B, L, vocabulary]
        """
        ...


@dataclass(frozen=True)
class Choices:
    """What a training is determined by, its start and its pictures apart."""

    objective: Objective
    seed: int = 0
    close_steps: int = 640
    """Of close-ups of one object of ``shapes``."""
    kinds_steps: int = 60
    """Of close-ups by turns of ``kinds`` and of ``shapes``, after them."""
    whole_steps: int = 200
    """Of whole pictures, after them; two of three of ``shapes``."""
    close_batch: int = 32
    whole_batch: int = 16
    rate: float = 3e-3
    warm_up: int = 60
    memory: float = 0.98
    """Of the mean of squared slopes: short, since those of the first steps are the largest by far."""
    decay: float = 0.01

    @property
    def steps(self) -> int:
        """All of them."""
        return self.close_steps + self.kinds_steps + self.whole_steps


def run_steps(
    model: nn.Module,
    read: Reader,
    pools: Mapping[str, Pool],
    choices: Choices,
    identity: Mapping[str, Any],
    folder: Path,
    *,
    save_every_s: float,
    say: Callable[[str], None],
) -> Progress:
    """Train in place by AdamW, or go on from what ``folder`` holds; see ``foresight_harness.parts.training.resumable``.

    Args:
        model: At its start.
        read: Scores captions with it.
        pools: Training pictures by name; see ``pictures.pools``.
        choices: Objective, steps, rate.
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
    rates = tuple(rate_at(step, choices) for step in range(choices.steps))
    return resumable.run_steps(
        *(model, optimiser, lambda step: loss_at(model, read, pools, choices, step), rates, identity, folder),
        save_every_s=save_every_s,
        say=say,
    )


def loss_at(model: nn.Module, read: Reader, pools: Mapping[str, Pool], choices: Choices, step: int) -> Tensor:
    """Mean cross entropy of the captions of one step; what it draws follows from seed and step. -> []"""
    generator = resumable.generator_at(choices.seed, step)
    whole = step >= choices.close_steps + choices.kinds_steps
    plain = step % 3 == 2 if whole else step >= choices.close_steps and step % 2 == 1
    pool = pools[f"{'whole' if whole else 'close'}_{'kinds' if plain else 'shapes'}"]
    drawn = pool.draw(generator, choices.whole_batch if whole else choices.close_batch)
    words = captions(drawn.things, choices.objective)
    scores = read(model, drawn.pixels, words, drawn.corners)
    return F.cross_entropy(scores.flatten(0, 1), words.flatten(), ignore_index=PADDING)


def rate_at(step: int, choices: Choices) -> float:
    """Learning rate: a rise, then down to nothing in a straight line."""
    if step < choices.warm_up:
        return choices.rate * (step + 1) / choices.warm_up
    return choices.rate * (choices.steps - step) / max(1, choices.steps - choices.warm_up)
