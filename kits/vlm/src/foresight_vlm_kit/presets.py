"""The facts of a size on offer, what the harness is told of it, and which sides it can be asked for. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from foresight_harness import BuildRequest, EncoderSpec, UsageError
from foresight_harness.contracts.specs.models import WeightsKind
from foresight_harness.protocols import Encoder

ATTENTION = ("eager", "sdpa", "flash_attention_2")
"""Attention implementations of the transformers library."""

LIBRARY_LOADING: Mapping[str, Any] = {"quantize": ("8bit", "4bit"), "device_map": True}
"""How the transformers library can load its own models: facts of a spec, and what ``origin_of`` grants."""

NANO_OBJECTIVES = {
    "what": "say what",
    "where": "say what and where",
    "sham": "say what and where something of another picture is",
}
"""What nano sizes are trained to do, by the last word of their names."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One size on offer; a plugin adds its configuration."""

    name: str
    params: int
    """Of the whole model, language head included; tied embeddings count once."""
    repo: str | None = None
    """Hub id of the published checkpoint; None for a size that has none."""
    license: str | None = None
    size: Literal["tiny", "published"] = "published"
    weights: tuple[WeightsKind, ...] | None = None
    """Kinds on offer; None is random ones, and pretrained ones where there is a ``repo``."""
    objective: str | None = None
    """See ``EncoderSpec.objective``."""


def encoder_spec(preset: Preset, build: Callable[[BuildRequest], Encoder], **facts: Any) -> EncoderSpec:
    """The spec of a size: ``facts`` are fields of ``EncoderSpec`` that the preset does not hold, or holds otherwise."""
    known: dict[str, Any] = {
        "name": preset.name,
        "params": preset.params,
        "repo": preset.repo,
        "license": preset.license,
        "size": preset.size,
        "weights": preset.weights or (("random", "pretrained") if preset.repo else ("random",)),
        "attention": ATTENTION,
        "objective": preset.objective,
    }
    return EncoderSpec(build=build, **(known | facts))


def nano_facts(family: str, objective: str) -> dict[str, Any]:
    """What the nano sizes of a family share: fields of ``Preset``, those apart that its configuration decides.

    Args:
        family: The plugin, and the first part of its encoders' names.
        objective: Of ``NANO_OBJECTIVES``.
    """
    name = f"{family}_nano_{objective}"
    return {
        "name": name,
        "repo": f"package:foresight_{family}/weights/{name}",
        "license": "Apache-2.0",
        "size": "tiny",
        "weights": ("nano", "random"),
        "objective": NANO_OBJECTIVES[objective],
    }


def built_by(module: str, preset: Preset, **options: Any) -> Callable[[BuildRequest], Encoder]:
    """What builds a size: ``build_encoder`` of a module that is imported, and torch with it, when it is first asked."""

    def build(request: BuildRequest) -> Encoder:
        built: Encoder = import_module(module).build_encoder(preset, request, **options)
        return built

    return build


def squashed(input_px: int, mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """What ``pictures.squash`` does to a picture, as data: for the cache key, reports and conformance."""
    return {
        "resize": "squash",
        "size": [input_px, input_px],
        "interpolation": "bicubic",
        "antialias": True,
        "mean": list(mean),
        "std": list(std),
    }


def require_whole_groups(name: str, input_px: int, patch_px: int, group: int) -> None:
    """Refuse a side that does not give whole ``group`` x ``group`` groups of patches. Raises: UsageError."""
    step = patch_px * group
    if input_px < step or input_px % step:
        raise UsageError(
            f"{name}: input_px={input_px} gives no whole {group}x{group} groups of {patch_px} px patches; "
            f"use a multiple of {step}, such as {max(step, round(input_px / step) * step)}"
        )
