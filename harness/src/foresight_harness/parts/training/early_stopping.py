"""Stopping a fit early: which samples are held out of it, and which of its looks at them was the best."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.training.convergence import Convergence

SHARE = 8
"""One in so many training samples is held out."""
LEAST = 8
"""Training samples below which an eighth says nothing."""


def held_out(groups: Sequence[str], option: str = "--patience") -> tuple[int, ...]:
    """Samples that a fit which may stop early is not trained on, ascending: whole groups, the same in every fit.

    Groups are ordered by a digest of their names, so that neither the order of the samples nor a seed decides.

    Args:
        groups: Of each training sample; frames of one video, or equal pictures, share one.
        option: That asks for them, for what is said where there are too few.

    Raises:
        FitError: where there are too few samples or groups to hold any out.
    """
    names = sorted(set(groups), key=lambda name: hashlib.sha256(name.encode("utf-8", "replace")).hexdigest())
    if len(groups) < LEAST or len(names) < 2:
        raise FitError(
            f"{option} holds out one in {SHARE} training samples, and there are {len(groups)} in {len(names)} "
            f"groups; use at least {LEAST} in two groups (--train-size), or leave {option} out"
        )
    wanted, chosen, count = len(groups) // SHARE, set[str](), 0
    for name in names[:-1]:  # one group is left to train on
        if count >= wanted:
            break
        chosen.add(name)
        count += groups.count(name)
    return tuple(place for place, name in enumerate(groups) if name in chosen)


@dataclass
class Watch:
    """Looks at the held-out samples while a fit goes on, and remembers its best parameters."""

    module: nn.Module
    loss_of: Callable[[Sequence[int]], Tensor]
    indices: Sequence[int]
    batch: int
    every: int
    patience: int
    looks: list[tuple[int, float]] = field(default_factory=list)
    kept_step: int | None = None
    _best: dict[str, Tensor] = field(default_factory=dict)

    def over(self, steps: int) -> bool:
        """Take a look after so many steps, where one is due; whether the fit has waited long enough."""
        if steps % self.every:
            return False
        loss = self._look()
        if self.kept_step is None or loss < min(value for _, value in self.looks):
            self.kept_step, self._best = steps, copy.deepcopy(self.module.state_dict())
        self.looks.append((steps, loss))
        return len([step for step, _ in self.looks if step > self.kept_step]) >= self.patience

    def restore(self) -> None:
        """Put the best parameters back."""
        if self._best:
            self.module.load_state_dict(self._best)

    def seen(self, convergence: Convergence) -> Convergence:
        """How the fit went, with what was seen here."""
        return replace(convergence, held_out=tuple(self.looks), kept_step=self.kept_step)

    def _look(self) -> float:
        """Mean loss of the held-out samples, the module as it is used afterwards."""
        loss = mean_loss(self.module, self.loss_of, self.indices, self.batch)
        self.module.train()
        return loss


def mean_loss(
    module: nn.Module, loss_of: Callable[[Sequence[int]], Tensor], indices: Sequence[int], batch: int
) -> float:
    """Mean loss of samples, batch by batch, by a module that is left in evaluation mode."""
    module.eval()
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(indices), batch):
            picked = list(indices[start : start + batch])
            total += loss_of(picked).item() * len(picked)
    return total / len(indices)
