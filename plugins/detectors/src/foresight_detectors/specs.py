"""What the harness is told of each size."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, EncoderSpec, TapSpec

from foresight_detectors.grounding_text import TEXT
from foresight_detectors.prompts import PROMPTS
from foresight_detectors.sizes import ATTENTION, BOXES, LICENSE, Size

if TYPE_CHECKING:
    from foresight_detectors.encoder import DetectorEncoder

OWL_TOLERANCE = 0.5
"""Tokens. What the heads read is each token times the class token, which sees the whole picture: at some random weights
that moves the tokens on one side of a repainted square more than those on the other."""
RESNET_TOLERANCE = 1.5
"""Strided convolutions and pools that are padded unevenly do not centre their cells."""
GROUNDING_TOLERANCE = 1.5
"""A token of the encoder's finest level also reads levels of 16 to 64 px, two and more of its own cells."""
TOLERANCES = {"detr": RESNET_TOLERANCE, "grounding_dino": GROUNDING_TOLERANCE}
ASKED: Mapping[str, Mapping[str, object]] = {"owlvit": {"prompts": list(PROMPTS)}, "grounding_dino": {"text": TEXT}}
"""What families that are asked for something are asked for."""
BOXES_WIDTH = 5
"""Summed score, and mean distances to the left, upper, right and lower side; see ``foresight_detectors.boxes``."""


def taps(size: Size) -> tuple[TapSpec, ...]:
    """Places of a family, shallow to deep; the predicted boxes come last."""
    of_family = {"detr": _detr_taps, "grounding_dino": _grounding_taps}
    features = of_family.get(size.family, _owl_taps)(size)
    return (*features, TapSpec(BOXES, BOXES_WIDTH, size.boxes_px, predicted=True))


def _owl_taps(size: Size) -> tuple[TapSpec, ...]:
    """Patch embedding, every block, the tokens that the heads read, and these in the space of the prompts."""
    vision = size.config["vision_config"]
    width, patch_px = vision["hidden_size"], vision["patch_size"]
    names = ["patch_embed", *(f"block.{index:02d}" for index in range(vision["num_hidden_layers"]))]
    return (
        *(TapSpec(name, width, patch_px) for name in names),
        TapSpec("last", width, patch_px, normed=True),
        TapSpec("projected", size.config["text_config"]["hidden_size"], patch_px),
    )


def _detr_taps(size: Size) -> tuple[TapSpec, ...]:
    """Stages of the ResNet, its last one projected, and every block of the encoder, each of which ends in a norm."""
    config = size.config
    widths = config["backbone_config"].get("hidden_sizes", [256, 512, 1024, 2048])
    stages = (TapSpec(f"stage.{place}", width, 2 ** (place + 1)) for place, width in enumerate(widths, 1))
    blocks = (
        TapSpec(f"block.{index:02d}", config["d_model"], 32, normed=True) for index in range(config["encoder_layers"])
    )
    return (*stages, TapSpec("projected", config["d_model"], 32), *blocks)


def _grounding_taps(size: Size) -> tuple[TapSpec, ...]:
    """Stages of the Swin; every block of the encoder at its finest level, and the last one at two coarser ones."""
    config, narrow = size.config, size.config["backbone_config"]["embed_dim"]
    blocks = (
        TapSpec(f"block.{index:02d}", config["d_model"], 8, normed=True) for index in range(config["encoder_layers"])
    )
    return (
        *(TapSpec(f"stage.{place}", narrow * 2 ** (place - 1), 2 ** (place + 1), normed=True) for place in (2, 3, 4)),
        *blocks,
        *(TapSpec(f"level.{stride}", config["d_model"], stride, normed=True) for stride in (16, 32)),
    )


def encoder_spec(size: Size) -> EncoderSpec:
    """What the harness is told of one size."""
    places = taps(size)
    read: dict[str, dict[str, object]] = {"boxes": {"score": size.scored_by, **ASKED.get(size.family, {})}}
    defaults = {"detr": places[-2].name, "grounding_dino": "level.16"}
    return EncoderSpec(
        name=size.name,
        build=partial(_build, size),
        taps=places,
        default_tap=defaults.get(size.family, "last"),
        input_px=size.input_px,
        family=size.family,
        preprocessing=size.preprocessing,
        config={**size.config, **read},
        params=size.params,
        weights=("random", "pretrained"),
        repo=size.repo,
        license=LICENSE if size.repo else None,
        size="published" if size.repo else "tiny",
        attention=ATTENTION,
        tolerance_cells=TOLERANCES.get(size.family, OWL_TOLERANCE),
    )


def _build(size: Size, request: BuildRequest) -> DetectorEncoder:
    from foresight_detectors.building import build

    return build(size, request)
