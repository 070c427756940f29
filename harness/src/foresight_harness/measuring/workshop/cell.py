"""One cell: a candidate in a suite on a data set, with what the suite needs to score it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.identity import cell_id, digest
from foresight_harness.measuring.conditioning import StreamSet
from foresight_harness.measuring.extraction import DecodedSplit
from foresight_harness.measuring.extraction.splits import SPLITS, Split
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.measuring.fitting.reconstruction import needs_pictures
from foresight_harness.parts.training.recipe import Objective, Recipe
from foresight_harness.planning.candidates import ResolvedCandidate
from foresight_harness.planning.options import DatasetChoice, Scale
from foresight_harness.planning.recipes import for_decoder, latents_recipe, places_recipe
from foresight_harness.planning.suites import Suite

if TYPE_CHECKING:
    from foresight_harness.running.bench import Bench

Timer = Callable[[Callable[[], object], int], list[float]]
"""Runs a function that many times after a warm-up; returns the seconds of each repeat."""


@dataclass(frozen=True)
class Cell:
    """What a suite is given."""

    bench: Bench
    candidate: ResolvedCandidate
    suite: Suite
    dataset: DatasetChoice
    timer: Timer | None = None

    @property
    def id(self) -> str:
        """16 hex digits."""
        return cell_id(str(self.candidate), self.suite.name, str(self.dataset))

    @property
    def scale(self) -> Scale:
        """Sizes of the run."""
        return self.bench.options.sizes

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of trained parts; one where nothing is trained for this suite."""
        trained = self.trained("latents" if self.suite.uses_decoder else "places")
        return tuple(range(self.scale.seeds)) if trained else (0,)

    @property
    def clips(self) -> bool:
        """Whether the data set is one of clips."""
        return self.bench.registry.dataset(self.dataset.name).video

    @property
    def canvas_px(self) -> int:
        """Side of the pictures or frames of the cell's data set."""
        return self.scale.clip_px if self.clips else self.scale.canvas_px

    def split(self, name: Split) -> DecodedSplit:
        """``train`` or ``test``, decoded."""
        return self.bench.splits.decoded(self.dataset, name)

    def streams(self, name: Split) -> StreamSet:
        """The candidate's cached streams over a split, extracted now where they are missing."""
        return self.streams_over(self.split(name))

    def streams_over(self, split: DecodedSplit) -> StreamSet:
        """The candidate's streams over a split that a suite made of one of the run's own (frames reordered)."""
        taps = tuple(
            tuple(self.bench.extraction.grids(stream.encoder, tap, split) for tap in stream.ref.taps)
            for stream in self.candidate.streams
        )
        return StreamSet(taps, split)

    def fitted_for_places(self, seed: int) -> Fitted:
        """Modules fitted for localisation. Raises: FitError."""
        return self.bench.fits.places(self, seed)

    def fitted_for_latents(self, seed: int) -> Fitted:
        """Modules and adapter fitted to the decoder's latents; made once for every suite that reads them."""
        return self.bench.fits.latents(self, seed)

    def recipe_for_places(self) -> Recipe:
        """Budget of localisation fits at this scale."""
        return places_recipe(self.scale)

    def recipe_for_latents(self) -> Recipe:
        """The recipe asked for, at this scale: 200 steps is the least that ranks, so ``smoke`` only shows the way."""
        return for_decoder(latents_recipe(self.bench.options.recipe, self.scale), self.candidate.decoder)

    def trained(self, objective: Objective) -> bool:
        """Whether a fit for this objective has anything that steps must find."""
        adapter = self.candidate.decoder.adapter != "linear" or needs_pictures(self.recipe_for_latents().weights)
        return self.candidate.trainable or (objective == "latents" and adapter)

    def protocol(self) -> dict[str, Any]:
        """Every choice that decides what this cell's numbers mean, flat."""
        choices: dict[str, Any] = {
            "suite": self.suite.name,
            "dataset": self.dataset.name,
            "scale": self.scale.name,
            "canvas_px": self.canvas_px,
            "picture_px": self.bench.options.picture_px,
            "train_size": self.scale.clips_train if self.clips else self.scale.train,
            "seeds": self.scale.seeds,
            **{f"fingerprint_{name}": self.bench.splits.built(self.dataset, name).fingerprint for name in SPLITS},
            **self.suite.protocol(self),
        }
        return choices

    def protocol_digest(self) -> str:
        """Only records of equal digest are ranked together."""
        return digest(self.protocol())
