"""The options of a rung: those of the run, with other sizes, and without what only the run itself is to do."""

from __future__ import annotations

from dataclasses import replace

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options import DatasetChoice, RunOptions, Scale
from foresight_harness.planning.options.options import LEAST_TRAIN
from foresight_harness.planning.search.planner import is_narrowing
from foresight_harness.planning.search.rungs import Rung

FITTED = 0.75
"""Share of the training pictures that narrowing rungs fit on; they score on the others."""
LEAST_SCORED = 4
"""Held-out pictures at least."""


def sizes_of(rung: Rung, base: Scale) -> Scale:
    """Sizes of a rung, given the run's own."""
    if not is_narrowing(rung):
        share = rung.pictures
        return replace(
            base,
            test=max(2, round(share * base.test)),
            pictures=max(2, round(share * base.pictures)),
            clips_test=max(2, round(share * base.clips_test)),
        )
    train, clips = round(FITTED * base.train), round(FITTED * base.clips_train)
    return replace(
        base,
        train=train,
        test=base.train - train,
        pictures=min(base.pictures, base.train - train),
        clips_train=clips,
        clips_test=base.clips_train - clips,
        steps=base.steps if rung.steps is None else rung.steps,
        seeds=rung.seeds,
    )


def options_of(rung: Rung, options: RunOptions, dataset: DatasetChoice, *, resume: bool = False) -> RunOptions:
    """Options of the run that a rung is."""
    return replace(
        options,
        candidates=(),
        matrix=None,
        custom_scale=sizes_of(rung, options.sizes),
        datasets=(dataset,),
        seeds=None,
        steps=None,
        train_size=None,
        probes=(),
        metrics=(),
        twins=False,
        gates=(),
        answers=None,
        baseline=None,
        exports=(),
        max_failures=None,
        search=False,
        budget=None,
        held_out=is_narrowing(rung),
        store_fits=True,
        resume=resume,
    )


def require_enough(base: Scale) -> None:
    """Refuse sizes that leave nothing to hold out. Raises: UsageError."""
    least = max(round(LEAST_TRAIN / FITTED) + 1, round(LEAST_SCORED / (1 - FITTED)))
    if base.train < least:
        raise UsageError(
            f"--search fits on three quarters of the training pictures and scores on the rest: {base.train} are too "
            f"few, use at least {least} (--train-size)"
        )
