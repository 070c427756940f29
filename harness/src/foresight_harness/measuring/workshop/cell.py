"""One cell: a candidate in a suite on a data set, with everything that the suite may use to score it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from foresight_harness.contracts.identity import digest
from foresight_harness.contracts.outcomes import ControlVerdict, Outcome
from foresight_harness.measuring.conditioning import Conditioning
from foresight_harness.measuring.extraction.splits import SPLITS, Split
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.measuring.workshop.assignment import Assignment
from foresight_harness.measuring.workshop.calibrating import calibrate
from foresight_harness.measuring.workshop.fits import fit_for_latents, fit_for_places
from foresight_harness.parts.weights.formats import NONE
from foresight_harness.planning.options.feeding import OWN

Timer = Callable[[Callable[[], object], int], list[float]]
"""Runs a function that many times after a warm-up; returns the seconds of each repeat."""


@dataclass(frozen=True)
class Cell(Assignment):
    """What a suite is given."""

    timer: Timer | None = None

    def fitted_for_places(self, seed: int) -> Fitted:
        """Modules fitted for localisation. Raises: FitError."""
        return fit_for_places(self, seed)

    def fitted_for_latents(self, seed: int) -> Fitted:
        """Modules and adapter fitted to the decoder's latents; made once for every suite that reads them."""
        return fit_for_latents(self, seed)

    def conditioning(self, name: Split, seed: int = 0) -> Conditioning:
        """What the candidate makes of a split, its modules fitted for places. Raises: FitError."""
        return self.fitted_for_places(seed).conditioning(self.streams(name), str(self.candidate))

    def calibrated(
        self, measure: Callable[[Cell], Outcome], judge: Callable[[Cell, Mapping[str, Outcome]], ControlVerdict]
    ) -> tuple[Outcome, ControlVerdict]:
        """What is measured here, and what the suite's controls say on the same data set; see ``calibrate``."""
        known = calibrate(self, measure, judge)
        return known.outcomes.get(self.id) or measure(self), known.verdict

    def protocol(self) -> dict[str, Any]:
        """Every choice that decides what this cell's numbers mean, flat."""
        choices: dict[str, Any] = {
            "suite": self.suite.name,
            "dataset": self.dataset.name,
            "scale": self.scale.name,
            "canvas_px": self.canvas_px,
            "picture_px": self.workshop.options.picture_px,
            "train_size": self.scale.clips_train if self.clips else self.scale.train,
            "seeds": self.scale.seeds,
            **{f"fingerprint_{name}": self.workshop.splits.built(self.dataset, name).fingerprint for name in SPLITS},
            **self.suite.protocol(self),
        }
        policy, size = self.workshop.options.feeding
        if policy != OWN:  # absent where each encoder has its own size: digests of such runs stay what they were
            choices |= {"input": policy, "input_size": size}
        if self.workshop.options.cache_dtype is not None:
            choices["cache_dtype"] = self.workshop.options.cache_dtype
        if self.workshop.options.quantize != NONE:
            choices["quantize"] = self.workshop.options.quantize
        return choices

    def protocol_digest(self) -> str:
        """Only records of equal digest are ranked together."""
        return digest(self.protocol())
