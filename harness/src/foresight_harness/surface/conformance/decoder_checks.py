"""Checks of decoders: the latent space is the declared one, and a place in the picture stays that place in latents."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.protocols import Decoder
from foresight_harness.contracts.specs import BuildRequest, DecoderSpec
from foresight_harness.parts.checks.failures import require, require_other, require_same
from foresight_harness.parts.checks.generators import global_generators_kept
from foresight_harness.parts.checks.pictures import random_clips, touch_cell

CELLS = (3, 4)
"""Rows and columns of latents in these checks."""


def legal_clips(spec: DecoderSpec, *, batch: int = 1, slots: int = 1, seed: int = 0) -> Tensor:
    """Random clips whose sides are multiples of the stride. [B, T, 3, H_px, W_px]"""
    stride = spec.latent_space.stride_px
    frames = 1 + (slots - 1) * spec.latent_space.stride_frames
    return random_clips((CELLS[0] * stride, CELLS[1] * stride), batch=batch, frames=frames, seed=seed)


@torch.no_grad()
def check_latent_space(decoder: Decoder, spec: DecoderSpec) -> None:
    """Latents have the declared channels and strides, pictures come back in their size, in [0, 1]. Raises:
    ConformanceError."""
    space = spec.latent_space
    require(decoder.latent_space == space, f"the spec declares {space}, the decoder {decoder.latent_space}")
    for slots in (1, 3):
        clips = legal_clips(spec, batch=2, slots=slots)
        latents = decoder.encode(clips)
        wanted = (2, space.frames(clips.shape[1]), *CELLS, space.channels)
        require(tuple(latents.shape) == wanted, f"encode: {wanted} is declared, {tuple(latents.shape)} comes out")
        pictures = decoder.decode(latents)
        require(
            pictures.shape == clips.shape,
            f"decode: clips of shape {tuple(clips.shape)} come back as {tuple(pictures.shape)}",
        )
        for what, values in (("latents", latents), ("pictures", pictures), ("far", decoder.decode(100 * latents))):
            require(bool(torch.isfinite(values).all()), f"{what} of {clips.shape[1]} frames are not finite")
            inside = bool(values.min() >= 0) and bool(values.max() <= 1)
            require(what == "latents" or inside, f"decoded {what} leave [0, 1]; decode clamps")


@torch.no_grad()
def check_illegal_size(decoder: Decoder, spec: DecoderSpec) -> None:
    """A side that is no multiple of the stride is refused in one line. Raises: ConformanceError."""
    stride = spec.latent_space.stride_px
    if stride == 1:
        return
    try:
        latents = decoder.encode(random_clips((CELLS[0] * stride + 1, CELLS[1] * stride)))
    except ForesightError as error:
        require("\n" not in str(error.args[0]), f"an illegal size is refused in more than one line: {error}")
        return
    require(False, f"a side of {CELLS[0] * stride + 1} px at stride {stride} gives latents {tuple(latents.shape)}")


@torch.no_grad()
def check_places(decoder: Decoder, spec: DecoderSpec, *, tolerance_cells: int) -> None:
    """An impulse in the picture is found in its latent cell, one in a latent cell in its part of the picture. Raises:
    ConformanceError."""
    clips = legal_clips(spec, seed=1)
    latents = decoder.encode(clips)
    for cell in ((0, CELLS[1] - 1), (CELLS[0] - 1, 0), (1, 2)):
        touched = touch_cell(clips[0], cell, CELLS).unsqueeze(0)
        change = (decoder.encode(touched) - latents).norm(dim=-1).mean((0, 1))
        _require_near(cell, change, "encode", tolerance_cells)
        moved = latents.clone()
        moved[:, :, cell[0], cell[1]] += 3 * latents.std()
        pixels = (decoder.decode(moved) - decoder.decode(latents)).abs().mean((0, 1, 2))
        _require_near(cell, F.adaptive_avg_pool2d(pixels[None, None], CELLS)[0, 0], "decode", tolerance_cells)


@torch.no_grad()
def check_batch_invariance(decoder: Decoder, spec: DecoderSpec) -> None:
    """One by one equals together, both ways. Raises: ConformanceError."""
    clips = legal_clips(spec, batch=2, slots=2, seed=2)
    latents = decoder.encode(clips)
    pictures = decoder.decode(latents)
    for index in range(2):
        alone = slice(index, index + 1)
        require_same(decoder.encode(clips[alone]), latents[alone], f"encode: clip {index} alone")
        require_same(decoder.decode(latents[alone]), pictures[alone], f"decode: clip {index} alone")


@torch.no_grad()
def check_seed(spec: DecoderSpec, request: BuildRequest) -> None:
    """One seed gives one decoder and repeats, another seed another; global generators stay as they are. Raises:
    ConformanceError."""
    clips = legal_clips(spec, seed=3)
    with global_generators_kept("building or running a decoder"):
        first, again = spec.build(request), spec.build(request)
        latents = first.encode(clips)
        pictures = first.decode(latents)
        require_same(first.encode(clips), latents, "encode: the same clip twice", tolerance=1e-6)
        require_same(first.decode(latents), pictures, "decode: the same latents twice", tolerance=1e-6)
        require_same(again.encode(clips), latents, "encode: two builds with one seed", tolerance=1e-6)
        require_same(again.decode(latents), pictures, "decode: two builds with one seed", tolerance=1e-6)
        if not spec.weightless:
            other = spec.build(replace(request, seed=request.seed + 1))
            require_other(other.decode(latents), pictures, "decode: two seeds")


def check_facts(decoder: Decoder, spec: DecoderSpec, request: BuildRequest) -> None:
    """``facts()`` are complete and parameters are the declared ones. Raises: ConformanceError."""
    facts = decoder.facts()
    require(facts.get("dtype") == request.dtype, f"built for {request.dtype}, facts say {facts.get('dtype')!r}")
    require(isinstance(facts.get("params"), int), f"facts()['params'] is {facts.get('params')!r}; an int is wanted")
    require(
        spec.params is None or facts["params"] == spec.params,
        f"the spec declares {spec.params} parameters, the built decoder has {facts['params']}",
    )


def _require_near(cell: tuple[int, int], change: Tensor, what: str, tolerance_cells: int) -> None:
    found = divmod(int(change.argmax()), CELLS[1])
    off = max(abs(found[0] - cell[0]), abs(found[1] - cell[1]))
    require(
        off <= tolerance_cells and bool(change.max() > 0),
        f"{what}: cell {cell} of {CELLS[0]}x{CELLS[1]} was touched, {found} changed most. Are rows before columns?",
    )
