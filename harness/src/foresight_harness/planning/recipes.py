"""The recipes that a run can ask for by name (``--recipe``). Free of torch, so that a plan can refuse a slip."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.metrics.trunks import lpips_metric_name
from foresight_harness.parts.training.recipe import DECODER, PARTS, SWEEP, SWEPT, Phase, Recipe
from foresight_harness.planning.registry.registry import nearest

if TYPE_CHECKING:
    from foresight_harness.contracts.specs import DecoderSpec
    from foresight_harness.planning.options.scale import Scale

PIPELINE = ("extractor", "enhancer", "fusion", "reader")
ADAPTER = ("reader", "head")


def places_recipe(scale: Scale) -> Recipe:
    """How every localisation fit is made, whatever ``--recipe`` says, so that the spatial suite stays comparable."""
    return Recipe(scale.steps, scale.batch, ("coverage_bce",), name="places")


def latents_recipe(name: str, scale: Scale) -> Recipe:
    """How fits to a decoder's latents are made.

    Args:
        name: See ``RECIPES``.
        scale: Its steps are those of each phase: the adapter has the same budget under every recipe.

    Raises:
        UsageError: in one line with the nearest names.
    """
    return RECIPES[check_recipe(name)](scale)


def for_decoder(recipe: Recipe, decoder: DecoderSpec) -> Recipe:
    """The recipe with a decoder's own loss, where it brings one: records name what was descended.

    Raises:
        UsageError: where the recipe compares decoded pictures, which a sampler gives no gradients for; where it tunes
            the decoder, and that has nothing to tune.
    """
    if DECODER in recipe.trains and (decoder.adapter != "own" or not decoder.tuning):
        raise UsageError(
            f"--recipe {recipe.name} tunes the decoder itself, and {decoder.name} offers nothing to tune; choose a "
            "decoder with an adapter of its own that does, or --recipe joint"
        )
    if decoder.loss is None:
        return recipe
    if set(recipe.weights) != {"latent_mse"}:
        raise UsageError(
            f"--recipe {recipe.name} compares decoded pictures, and {decoder.name} samples them in many steps, without "
            "gradients; use --recipe joint"
        )
    losses = (decoder.loss,)
    earlier = tuple(
        replace(phase, losses=losses) if phase.objective == "latents" else phase for phase in recipe.earlier
    )
    return replace(recipe, losses=losses, earlier=earlier)


def check_recipe(name: str) -> str:
    """The name, if there is such a recipe. Raises: UsageError."""
    if name not in RECIPES:
        raise UsageError(f"--recipe {name}: unknown{nearest(name, RECIPES)}")
    return name


def at_learning_rate(recipe: Recipe, asked: str | None) -> Recipe:
    """The recipe with the learning rate that ``--learning-rate`` asks for; None leaves it its own.

    Raises:
        UsageError: where it is neither ``sweep`` nor a number above 0.
    """
    if asked is None:
        return recipe
    if asked == SWEEP:
        return replace(recipe, sweep=tuple(factor * recipe.learning_rate for factor in SWEPT))
    return replace(recipe, learning_rate=rate_of(asked))


def rate_of(asked: str) -> float:
    """A learning rate as people write it. Raises: UsageError."""
    try:
        rate = float(asked)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise UsageError(f"--learning-rate {asked}: write a number above 0, such as 5e-4, or {SWEEP}")
    return rate


def check_learning_rate(asked: str | None) -> None:
    """Refuse what no fit can learn at. Raises: UsageError."""
    if asked not in (None, SWEEP):
        rate_of(str(asked))


def _joint(scale: Scale) -> Recipe:
    """Everything learns from the latents at once.

    *Source*: spatial enhancement document, appendix B.2, "Joint SEM + adapter training"
    (000_37b70c9d5f077dd1.txt, line 612).
    """
    return Recipe(scale.steps, scale.batch, ("latent_mse",), name="joint")


def _spatial_then_reconstruction(scale: Scale) -> Recipe:
    """First the true places of objects, then the latents with everything still learning.

    *Source*: spatial enhancement document, section 2.3, phases 1 and 2 (000_37b70c9d5f077dd1.txt, lines 260 to 269).
    Its third phase predicts future frames and is no reconstruction. The hybrid document's first phase
    (002_1062f2a18627ee65.txt, lines 162 to 166) takes the VLM away; write that as a candidate of one stream.
    """
    return Recipe(
        scale.steps,
        scale.batch,
        ("latent_mse",),
        name="spatial_then_reconstruction",
        earlier=(_spatial(scale),),
    )


def _frozen_enhancer(scale: Scale) -> Recipe:
    """First the true places, then only the adapter: are spatially trained features of use to it as they are?

    *Source*: spatial enhancement document, appendix B.2, "Frozen SEM + trained adapter"
    (000_37b70c9d5f077dd1.txt, line 611).
    """
    return Recipe(
        scale.steps,
        scale.batch,
        ("latent_mse",),
        name="frozen_enhancer",
        trains=ADAPTER,
        earlier=(_spatial(scale),),
    )


def _perceptual(scale: Scale) -> Recipe:
    """Everything learns from the decoded picture, beside the latents.

    *Source*: claim 1 document, E1.5, "LPIPS + L2" (004_888e15e0130eee3f.txt, line 499); the latents' own error keeps
    the first steps, when decoded pictures are clamped, from standing still.
    """
    terms = (("latent_mse", 1.0), ("pixel_mse", 1.0), (lpips_metric_name(), 1.0))
    return Recipe(scale.steps, scale.batch, terms, name="perceptual")


def _decoder_lora(scale: Scale) -> Recipe:
    """First as ``joint``, the decoder frozen; then low-rank changes of the decoder learn along with everything.

    *Source*: hybrid document, third phase of training, "Fine-tune full system including LoRA on video decoder"
    (002_1062f2a18627ee65.txt, line 175); LoRA, arXiv 2106.09685.
    """
    return Recipe(
        scale.steps,
        scale.batch,
        ("latent_mse",),
        name="decoder_lora",
        trains=(*PARTS, DECODER),
        earlier=(Phase("latents", scale.steps, ("latent_mse",)),),
    )


def _spatial(scale: Scale) -> Phase:
    """The spatial suite's own fit, so that it is made once for both."""
    recipe = places_recipe(scale)
    return Phase("places", recipe.steps, recipe.losses)


RECIPES: dict[str, Callable[[Scale], Recipe]] = {
    "joint": _joint,
    "spatial_then_reconstruction": _spatial_then_reconstruction,
    "frozen_enhancer": _frozen_enhancer,
    "perceptual": _perceptual,
    "decoder_lora": _decoder_lora,
}
"""By name; each takes the scale's steps and batch."""
