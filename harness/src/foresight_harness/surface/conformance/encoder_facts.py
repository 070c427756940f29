"""Checks of what an encoder spec declares, against what comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import torch
from torch import nn

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec, TapSpec
from foresight_harness.parts.checks.failures import require
from foresight_harness.parts.checks.pictures import constant_clip, random_clips
from foresight_harness.parts.checks.watching import watch_modules

NAME = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)*$")
FACTS = {"attention": str, "dtype": str, "params": int}
WANTED = {
    "attention": "what ran: eager, sdpa; none where there is no attention",
    "dtype": "float32, as asked for in request.dtype",
    "params": "of the built model",
}


def check_offer(specs: Sequence[EncoderSpec]) -> None:
    """What a family offers is complete: published sizes with their facts, names and taps unique, data as JSON.

    Raises: ConformanceError.
    """
    require(bool(specs), "the plugin offers no encoder")
    names = [spec.name for spec in specs]
    require(len(set(names)) == len(names), f"encoder names are not unique: {names}")
    published = [spec for spec in specs if spec.size == "published"]
    require(
        bool(published),
        f"no published size among {names}: list the full configuration beside the tiny one, with size='published', its "
        "license and its params",
    )
    for spec in specs:
        require(NAME.match(spec.name) is not None, f"{spec.name} is not lower_snake_case")
        taps = [tap.name for tap in spec.taps]
        require(len(set(taps)) == len(taps), f"{spec.name}: taps are not unique: {taps}")
        require(spec.default_tap in taps, f"{spec.name}: default tap {spec.default_tap} is not one of {taps}")
        json.dumps([dict(spec.config), dict(spec.preprocessing)])
    for spec in published:
        require(spec.license is not None, f"{spec.name}: a published checkpoint states its licence")
        require(spec.params is not None or spec.expand is not None, f"{spec.name}: a published size states its params")
        loads = "pretrained" in spec.weights and spec.expand is None
        require(
            not loads or spec.repo is not None, f"{spec.name}: pretrained weights are on offer, but no repo is named"
        )


def check_facts(encoder: Encoder, spec: EncoderSpec, request: BuildRequest) -> None:
    """``facts()`` are complete, and parameters are those of the spec and of the modules that run.

    Raises: ConformanceError.
    """
    facts = encoder.facts()
    for key, kind in FACTS.items():
        require(
            isinstance(facts.get(key), kind),
            f"facts()[{key!r}] is {facts.get(key)!r:.60}; a {kind.__name__} is wanted ({WANTED[key]})",
        )
    require(facts["dtype"] == request.dtype, f"built for {request.dtype}, facts say {facts['dtype']}")
    require(
        spec.params is None or facts["params"] == spec.params,
        f"the spec declares {spec.params} parameters, the built model has {facts['params']}",
    )
    with watch_modules() as calls:
        encoder.encode(random_clips((spec.input_px, spec.input_px)), [spec.taps[-1].name])
    require(
        calls.parameters() <= facts["params"],
        f"modules with {calls.parameters()} parameters ran, facts say {facts['params']}",
    )


def assert_published_params(spec: EncoderSpec, build_meta: Callable[[], nn.Module]) -> int:
    """Count the parameters of a published size without allocating it.

    Args:
        spec: With its published parameter count.
        build_meta: Builds the bare module; called on the meta device.

    Returns:
        The count.

    Raises:
        ConformanceError: if the count is not the spec's, to the digit, or if something was allocated.
    """
    with torch.device("meta"):
        model = build_meta()
    counted = sum(parameter.numel() for parameter in model.parameters())
    real = [name for name, parameter in model.named_parameters() if not parameter.is_meta]
    require(not real, f"{spec.name}: {real[0] if real else ''} was allocated although the model was built on meta")
    require(counted == spec.params, f"{spec.name}: the spec declares {spec.params} parameters, the model has {counted}")
    return counted


def check_taps(encoder: Encoder, spec: EncoderSpec) -> None:
    """Width, stride and number of tokens of each tap are the declared ones. Raises: ConformanceError."""
    clip = random_clips((spec.input_px, spec.input_px), seed=2)
    grids = encoder.encode(clip, [tap.name for tap in spec.taps])
    require(list(grids) == [tap.name for tap in spec.taps], f"asked for {len(spec.taps)} taps, got {sorted(grids)}")
    for tap in spec.taps:
        shape = grids[tap.name].shape
        require(shape.width == tap.width, f"{tap.name}: width {tap.width} is declared, {shape.width} comes out")
        require(shape.frames == 1, f"{tap.name}: one frame gives {shape.frames} temporal slots")
        for axis, cells in (("rows", shape.rows), ("columns", shape.cols)):
            require(
                _fits(cells, tap, spec.input_px),
                f"{tap.name}: {cells} {axis} of {tap.stride_px} px do not cover {spec.input_px} px on a square "
                "picture. Is stride_px or input_px wrong, or is a prefix token counted?",
            )


def check_pixels(encoder: Encoder, spec: EncoderSpec) -> None:
    """The network is given pixels normalised by the declared mean and standard deviation.

    A picture of one colour survives any resize, and the first convolution over three channels shows what arrives: the
    colour ``mean + k std`` must arrive as ``k``, with another ``k`` in each channel, so that BGR order is caught too.

    Raises: ConformanceError.
    """
    mean, std = spec.preprocessing.get("mean"), spec.preprocessing.get("std")
    require(
        isinstance(mean, list | tuple) and isinstance(std, list | tuple) and len(mean) == len(std) == 3,
        f"{spec.name}: preprocessing declares no mean and std of three channels: {dict(spec.preprocessing)}",
    )
    assert mean is not None
    assert std is not None
    side = max(spec.input_px, 64)
    for steps in ((0.0, 0.0, 0.0), (0.0, 0.5, 1.0), (1.0, 0.0, 0.5)):
        colour = (mean[0] + steps[0] * std[0], mean[1] + steps[1] * std[1], mean[2] + steps[2] * std[2])
        with watch_modules() as calls:
            encoder.encode(constant_clip(colour, (side, side)), [spec.taps[0].name])
        pixels = calls.pixels()
        if pixels is None:
            require(False, "no nn.Conv2d or nn.Conv3d over three channels ran; override test_declared_mean_and_std...")
            return
        wanted = torch.tensor(steps).reshape(1, 3, *[1] * (pixels.ndim - 2)).to(pixels)
        worst = float((pixels - wanted).abs().max())
        require(
            worst < 1e-2,
            f"a picture of colour mean + {steps} std arrives {worst:.3g} standard deviations away from {steps}; "
            f"declared are mean {tuple(mean)} and std {tuple(std)}",
        )


def check_input_size(spec: EncoderSpec, request: BuildRequest) -> None:
    """Another ``input_px`` changes the grid as declared, or is refused in one line where ``fixed_input`` says so.

    Raises: ConformanceError.
    """
    tap = spec.taps[0]
    asked = spec.input_px + 2 * max(tap.stride_px for tap in spec.taps)
    try:
        encoder = spec.build(BuildRequest(request.weights, seed=request.seed, device=request.device, input_px=asked))
    except ForesightError as error:
        require("\n" not in str(error), f"input_px={asked} is refused in more than one line: {error}")
        require(spec.fixed_input, f"input_px={asked} is refused and fixed_input is not declared: {error}")
        return
    require(not spec.fixed_input, f"fixed_input is declared and input_px={asked} is built")
    rows = encoder.encode(random_clips((asked, asked)), [tap.name])[tap.name].shape.rows
    require(
        _fits(rows, tap, asked),
        f"{tap.name}: {asked} px were asked for, {rows} rows of {tap.stride_px} px come out",
    )


def _fits(cells: int, tap: TapSpec, input_px: int) -> bool:
    """Whether a side has as many cells as fit into it, or as its nearest multiple of the stride has."""
    return cells in (tap.cells(input_px), round((input_px - tap.margin_px) / tap.stride_px))
