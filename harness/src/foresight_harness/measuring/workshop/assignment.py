"""A candidate in a suite on a data set, with the workshop that it is scored in: what fits read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foresight_harness.contracts.identity import cell_id
from foresight_harness.contracts.specs import SuiteSpec
from foresight_harness.measuring.conditioning import StreamSet
from foresight_harness.measuring.extraction import DecodedSplit
from foresight_harness.measuring.extraction.splits import Split
from foresight_harness.measuring.fitting.reconstruction import needs_pictures
from foresight_harness.measuring.workshop.workshop import Workshop
from foresight_harness.parts.training.recipe import Objective, Recipe
from foresight_harness.planning.candidates import ResolvedCandidate
from foresight_harness.planning.options import DatasetChoice, Scale
from foresight_harness.planning.recipes import at_learning_rate, for_decoder, latents_recipe, places_recipe


@dataclass(frozen=True)
class Assignment:
    """One candidate in one suite on one data set."""

    workshop: Workshop
    candidate: ResolvedCandidate
    suite: SuiteSpec
    dataset: DatasetChoice

    @property
    def id(self) -> str:
        """16 hex digits."""
        return cell_id(str(self.candidate), self.suite.name, str(self.dataset))

    @property
    def scale(self) -> Scale:
        """Sizes of the run."""
        return self.workshop.options.sizes

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of trained parts; one where nothing is trained for this suite."""
        if not self.suite.seeded:
            return (0,)
        trained = self.trained("latents" if self.suite.uses_decoder else "places")
        return tuple(range(self.scale.seeds)) if trained else (0,)

    @property
    def clips(self) -> bool:
        """Whether the data set is one of clips."""
        return self.workshop.registry.dataset(self.dataset.name).video

    @property
    def canvas_px(self) -> int:
        """Side of the pictures or frames of the cell's data set."""
        return self.scale.clip_px if self.clips else self.scale.canvas_px

    def split(self, name: Split) -> DecodedSplit:
        """``train`` or ``test``, decoded."""
        return self.workshop.splits.decoded(self.dataset, name)

    def streams(self, name: Split) -> StreamSet:
        """The candidate's cached streams over a split, extracted now where they are missing."""
        return self.streams_over(self.split(name))

    def streams_over(self, split: DecodedSplit) -> StreamSet:
        """The candidate's streams over a split that a suite made of one of the run's own (frames reordered)."""
        taps = tuple(
            tuple(self.workshop.extraction.grids(stream.encoder, tap, split) for tap in stream.ref.taps)
            for stream in self.candidate.streams
        )
        return StreamSet(taps, split)

    def recipe_for_places(self) -> Recipe:
        """Budget of localisation fits at this scale."""
        return self._budgeted(places_recipe(self.scale))

    def recipe_for_latents(self) -> Recipe:
        """The recipe asked for, at this scale: 200 steps is the least that ranks, so ``smoke`` only shows the way."""
        recipe = latents_recipe(self.workshop.options.recipe, self.scale)
        return for_decoder(self._budgeted(recipe), self.candidate.decoder)

    def _budgeted(self, recipe: Recipe) -> Recipe:
        """The recipe as the options of the run have it."""
        options = self.workshop.options
        return at_learning_rate(replace(recipe, patience=options.patience), options.learning_rate)

    def trained(self, objective: Objective) -> bool:
        """Whether a fit for this objective has anything that steps must find."""
        adapter = self.candidate.decoder.adapter != "linear" or needs_pictures(self.recipe_for_latents().weights)
        return self.candidate.trainable or (objective == "latents" and adapter)
