"""What torchvision itself says of a network: its feature maps, traced without memory, and its published file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from foresight_harness import CandidateError, TapSpec
from torch import nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from foresight_torchvision.presets import Preset
from foresight_torchvision.published import LICENSE, published_weights

INTERPOLATIONS = ("bilinear", "bicubic")
BIAS = "_bias"
"""End of the name of what is added to attention: square, and no map."""
DEEPEST_DEFAULT_PX = 16
"""The default tap is the deepest whose tokens are no coarser."""


@lru_cache(maxsize=64)
def describe(model_name: str) -> Preset:
    """Everything a spec needs to know of a classifier of torchvision, with its default weights.

    Args:
        model_name: As ``torchvision.models.list_models`` names it.

    Raises:
        CandidateError: if torchvision has no such classifier, or it has no feature maps.
    """
    weights = _default_weights(model_name)
    told: Any = weights.transforms()
    side_px = int(told.crop_size[0])
    with torch.device("meta"):
        model = models.get_model(model_name, weights=None).eval()
    maps = () if isinstance(model, models.VisionTransformer) else _feature_maps(model, side_px)
    if not maps:
        raise CandidateError(f"torchvision:{model_name} has no feature maps; plain ViTs are offered as timm:NAME")
    step_px = max(tap.stride_px for tap, _ in maps)
    fine = [tap.name for tap, _ in maps if tap.stride_px <= DEEPEST_DEFAULT_PX]
    interpolation = str(told.interpolation.value)
    if interpolation not in INTERPOLATIONS:
        raise CandidateError(f"torchvision:{model_name} resizes by {interpolation}; only {INTERPOLATIONS} are built")
    whole = create_feature_extractor(model, [maps[-1][1]])
    return Preset(
        name=f"torchvision:{model_name}",
        architecture=model_name,
        taps=tuple(tap for tap, _ in maps),
        nodes=tuple(node for _, node in maps),
        default_tap=fine[-1] if fine else maps[0][0].name,
        input_px=max(step_px, side_px // step_px * step_px),
        params=sum(parameter.numel() for parameter in whole.parameters()),
        step_px=step_px,
        interpolation=interpolation,  # type: ignore[arg-type]
        colours=(tuple(told.mean), tuple(told.std)),
        published=published_weights(model_name, str(weights.url).rpartition("/")[2]),
        license=LICENSE,
    )


def _default_weights(model_name: str) -> Any:
    known = models.list_models(module=models)
    if model_name not in known:
        near = difflib.get_close_matches(model_name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; torchvision.models.list_models() names all"
        raise CandidateError(f"torchvision has no classifier {model_name!r}{hint}")
    return models.get_model_weights(model_name).DEFAULT  # type: ignore[attr-defined]


def _feature_maps(model: nn.Module, side_px: int) -> list[tuple[TapSpec, str]]:
    """Of every resolution the last square map at which a whole stage ends, under the stage's name.

    Blocks that begin a stage may still have a map of the one before; a stage is the module of the shortest name.
    """
    _, nodes = get_graph_node_names(model)
    with torch.device("meta"):
        outputs = create_feature_extractor(model, nodes[1:])(torch.empty(1, 3, side_px, side_px))
    last: dict[int, tuple[str, int]] = {}
    for node in nodes[1:]:
        found = _rows_and_width(outputs.get(node))
        if found is None or not 1 < found[0] < side_px or node.endswith(BIAS):
            continue
        (rows, width), stage = found, _short(node, nodes)
        if rows not in last or stage.count(".") <= last[rows][0].count("."):
            last[rows] = (stage, width)
    stages = sorted(last.items(), reverse=True)
    return [(TapSpec(stage, width, round(side_px / rows)), stage) for rows, (stage, width) in stages]


def _rows_and_width(output: Any) -> tuple[int, int] | None:
    """Of a square map [1, C, N, N] or [1, N, N, C]; None for anything else."""
    if not isinstance(output, torch.Tensor) or output.ndim != 4:
        return None
    _, first, second, third = output.shape
    if second == third and first > 3:
        return second, first
    return (first, third) if first == second and third > 3 else None


def _short(node: str, nodes: Sequence[str]) -> str:
    """``layer1`` for ``layer1.2.relu_2``, where that is the last operation within it."""
    parts = node.split(".")
    for depth in range(1, len(parts)):
        prefix = ".".join(parts[:depth])
        within = [name for name in nodes if name == prefix or name.startswith(f"{prefix}.")]
        if within[-1] == node:
            return prefix
    return node
