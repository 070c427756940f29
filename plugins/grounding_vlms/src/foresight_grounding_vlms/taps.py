"""Places where the towers are read, from their configurations alone. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from foresight_harness import TapSpec
from foresight_vlm_kit.taps import tower_taps

from foresight_grounding_vlms.presets import Family, Size

LAST, PROJECTED = "last", "projected"
DEFAULT: Mapping[Family, str] = {"florence2": PROJECTED, "kosmos2": LAST}
"""What the language model is given, or what it is computed from."""


def taps_of(preset: Size) -> tuple[TapSpec, ...]:
    """All taps of a size, shallow to deep."""
    by_family: Mapping[Family, Callable[[Size], tuple[TapSpec, ...]]] = {"florence2": _davit, "kosmos2": _vit}
    return by_family[preset.family](preset)


def _davit(preset: Size) -> tuple[TapSpec, ...]:
    """The last block of each stage; and the tokens of the picture as the language model gets them, in its width."""
    vision = preset.config["vision_config"]
    stages = (TapSpec(f"stage.{place}", width, 2 ** (place + 1)) for place, width in enumerate(vision["embed_dim"], 1))
    return (*stages, TapSpec(PROJECTED, vision["projection_dim"], 32, normed=True))


def _vit(preset: Size) -> tuple[TapSpec, ...]:
    """Patches, every block, and all tokens through the tower's last norm, from which the language model's are made."""
    vision = preset.config["vision_config"]
    width, patch_px = vision["hidden_size"], vision["patch_size"]
    return (
        *tower_taps(vision["num_hidden_layers"], width, patch_px),
        TapSpec(LAST, width, patch_px, normed=True),
    )
