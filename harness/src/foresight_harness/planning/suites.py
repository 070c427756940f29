"""The suites by name: what each needs, what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.registry.registry import nearest

if TYPE_CHECKING:
    from foresight_harness.contracts.outcomes import Outcome
    from foresight_harness.measuring.workshop.cell import Cell


@dataclass(frozen=True)
class Suite:
    """A suite on offer; ``module`` is imported when it runs, so that planning imports no torch."""

    name: str
    module: str
    labels: frozenset[str] = frozenset()
    """What a data set must carry to be scored on."""
    live_encoder: bool = False
    """Whether encoders must be in memory while the cell runs (latency)."""
    uses_decoder: bool = False
    """Whether the decoder is read; candidates that differ only in the decoder share one score where it is not."""
    only_first_dataset: bool = False
    """For suites whose number does not depend on what the pictures show."""
    first_seed_only: bool = False
    """For suites that read one repeat of a trained fit."""
    title: str = ""
    own_dataset: str | None = None
    """Scored on this one where the run has no data set that fits and the command names none."""
    default: bool = True
    """Whether the suite runs where the matrix names none; others run where matrix or command name them."""

    def protocol(self, cell: Cell) -> dict[str, Any]:
        """The choices of this suite that decide what its numbers mean."""
        choices: dict[str, Any] = import_module(self.module).protocol(cell)
        return choices

    def score(self, cell: Cell) -> Outcome:
        """Score one candidate on one data set."""
        score: Callable[[Cell], Outcome] = import_module(self.module).score
        return score(cell)


SUITES = {
    found.name: found
    for found in (
        Suite(
            "efficiency",
            "foresight_harness.measuring.suites.efficiency",
            live_encoder=True,
            uses_decoder=True,
            only_first_dataset=True,
            title="latency, throughput, memory, parameters",
        ),
        Suite(
            "spatial",
            "foresight_harness.measuring.suites.spatial",
            labels=frozenset({"boxes"}),
            title="where objects are: IoU, AP, centre and size error",
        ),
        Suite(
            "temporal",
            "foresight_harness.measuring.suites.temporal",
            labels=frozenset({"motion"}),
            own_dataset="moving_shapes",
            title="what moves where, and in which order: direction and ordering accuracy",
        ),
        Suite(
            "alignment",
            "foresight_harness.measuring.suites.alignment",
            uses_decoder=True,
            first_seed_only=True,
            title="similarity of conditioning and decoder latents: debiased CKA with its null",
        ),
        Suite(
            "reconstruction",
            "foresight_harness.measuring.suites.reconstruction",
            uses_decoder=True,
            title="pictures decoded from conditioning: LPIPS, PSNR, SSIM",
        ),
        Suite(
            "structure",
            "foresight_harness.measuring.suites.structure",
            title="token space without labels: local order, effective rank, separation of places, frames and classes",
            default=False,
        ),
        Suite(
            "audit",
            "foresight_harness.measuring.suites.audit",
            labels=frozenset({"boxes"}),
            title="do probes measure what they claim? The documents' and ours on the same features",
            default=False,
        ),
    )
}
"""In the order in which they run for one encoder: what needs it live first."""


def suite(name: str) -> Suite:
    """The suite of that name. Raises: UsageError naming the nearest."""
    if name not in SUITES:
        raise UsageError(f"unknown suite {name!r}{nearest(name, SUITES)}")
    return SUITES[name]
