"""Whether the recipe that a run asks for suits a decoder of it, asked before any work."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.candidates.resolve import ResolvedCandidate
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.recipes import for_decoder, latents_recipe


def check_fitting(candidates: Iterable[ResolvedCandidate], options: RunOptions) -> None:
    """Refuse ``--recipe`` where no candidate has a decoder that can be fitted so.

    Where some have, cells of the others fail and name it. Raises: UsageError, of the first decoder.
    """
    recipe = latents_recipe(options.recipe, options.sizes)
    first: UsageError | None = None
    for decoder in {candidate.decoder.name: candidate.decoder for candidate in candidates}.values():
        try:
            for_decoder(recipe, decoder)
        except UsageError as error:
            first = first or error
        else:
            return
    if first is not None:
        raise first
