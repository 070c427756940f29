"""Training pictures of nano VLMs: close-ups of one object first, whole pictures later, with their generators' labels.

Close-ups are half a canvas wide and drawn at the patch scale of whole pictures, so that what is learnt on them holds
there, at a quarter of the work. Each is told as a part of a whole picture whose rest is left out: its tokens' places
and the places of its caption count from the whole picture's corner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from foresight_harness import DataRequest
from foresight_harness.parts.datasets.identity import fingerprint, stream
from foresight_harness.parts.datasets.kind_drawing import KINDS as PLAIN_KINDS
from foresight_harness.parts.datasets.kind_drawing import Piece
from foresight_harness.parts.datasets.kind_drawing import draw as draw_pieces
from foresight_harness.parts.datasets.kinds import NOISE, REACHES, Kinds
from foresight_harness.parts.datasets.shape_drawing import sides
from foresight_harness.parts.datasets.shapes import Shapes, compose
from foresight_harness.parts.datasets.shapes import draw as draw_figures
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from foresight_vlm_kit.nano.captions import MOST, NONE, Things
from foresight_vlm_kit.nano.words import colour_word, kind_word
from foresight_vlm_kit.pictures import resize

DATA_SEED = 20_011
"""Of every picture that is trained on or held out; runs draw theirs from seed 0 on."""
WHOLE_PX, CLOSE_PX = 128, 64
FED = 1.75
"""From pixels that are drawn to pixels that a tower is fed: a canvas of 128 px is fed at 224 px in a run."""
WHOLE_CELLS, CLOSE_CELLS = 8, 4
"""Sides of whole pictures and of close-ups in the language model's tokens, where four patches are merged into one."""
LARGEST = 0.7
"""Longest side of an object of a close-up."""
GENERATOR = "nano/1"
Label = tuple[int, int, float, float]
"""Colour, kind, x, y of one object."""


class Drawn(NamedTuple):
    """Pictures of one step."""

    pixels: Tensor
    """In [0, 1]. [B, 3, H_px, W_px] float32"""
    things: Things
    corners: Tensor | None = None
    """Of close-ups: row and column of the first cell in the whole picture. [B, 2] int64"""


@dataclass(frozen=True)
class Pool:
    """Pictures with what is on them."""

    pixels: Tensor
    """As they are fed. [N, 3, H_px, W_px] uint8"""
    things: Things
    digest: str
    """Of what it was drawn from."""

    def __len__(self) -> int:
        return len(self.pixels)

    def draw(self, generator: torch.Generator, count: int) -> Drawn:
        """Pictures, all turned or mirrored by one of the eight symmetries; close-ups each at a place of its own."""
        index = torch.randint(len(self), (count,), generator=generator)
        turned = int(torch.randint(8, (1,), generator=generator))
        pixels, things = self.pixels[index].float() / 255, self.things.of(index)
        x, y = things.places.unbind(-1)
        if turned & 4:
            pixels, x, y = pixels.transpose(2, 3), y, x
        if turned & 2:
            pixels, x = pixels.flip(3), 1 - x
        if turned & 1:
            pixels, y = pixels.flip(2), 1 - y
        places = torch.stack([x, y], -1)
        if pixels.shape[-1] != CLOSE_PX * FED:
            return Drawn(pixels, things._replace(places=places))
        corners = torch.randint(WHOLE_CELLS - CLOSE_CELLS + 1, (count, 2), generator=generator)
        places = (places * CLOSE_CELLS + corners.flip(1).unsqueeze(1)) / WHOLE_CELLS
        return Drawn(pixels, things._replace(places=places), corners)


def pools(folder: Path, share: float = 1.0) -> dict[str, Pool]:
    """The training pictures: drawn once, kept in ``folder``, and the same for every objective and seed.

    Args:
        folder: Where they are kept.
        share: Of the pictures, for a trial.
    """
    wanted: dict[str, tuple[Callable[[int], tuple[Tensor, Sequence[Label]]], int]] = {
        "close_shapes": (close_shape, 4000),
        "close_kinds": (close_kind, 4000),
        "whole_shapes": (whole_shapes("train"), 1200),
        "whole_kinds": (whole_kinds("train"), 800),
    }
    return {name: _kept(folder, name, one, max(64, round(count * share))) for name, (one, count) in wanted.items()}


def held_out(count: int) -> Pool:
    """Whole pictures of ``shapes`` that no training sees."""
    return _drawn("held_out", whole_shapes("test"), count)


def close_shape(index: int) -> tuple[Tensor, Sequence[Label]]:
    """One object of ``shapes`` on a canvas of half the side."""
    random = stream(GENERATOR, DATA_SEED, "close_shapes", index)
    (figure,) = compose(random, objects=1)
    size = min(LARGEST, figure.size * WHOLE_PX / CLOSE_PX)
    half = np.array(sides(figure.kind, figure.angle)) * size / 2
    x, y = random.uniform(half, 1 - half)
    picture, _ = draw_figures(random, (replace(figure, size=size, x=float(x), y=float(y)),), CLOSE_PX)
    return _channels_first(picture), [(colour_word(figure.colour), kind_word(figure.kind), float(x), float(y))]


def close_kind(index: int) -> tuple[Tensor, Sequence[Label]]:
    """One object as ``kinds`` has them on a canvas of half the side."""
    random = stream(GENERATOR, DATA_SEED, "close_kinds", index)
    kind, angle = str(random.choice(PLAIN_KINDS)), float(random.uniform(0, 2 * np.pi))
    low, high = (np.log(reach * WHOLE_PX / CLOSE_PX) for reach in REACHES)
    reach = float(np.exp(random.uniform(low, high)))
    centre = random.uniform(reach, 1 - reach, (1, 2))
    frames, _ = draw_pieces(random, (Piece(kind, angle, reach, centre),), CLOSE_PX, NOISE)
    return _channels_first(frames[0]), [(NONE, kind_word(kind), float(centre[0][0]), float(centre[0][1]))]


def whole_shapes(split: str) -> Callable[[int], tuple[Tensor, Sequence[Label]]]:
    """Pictures of ``shapes``: one to five objects."""
    found = Shapes(DataRequest(split, 1 << 30, DATA_SEED, canvas_px=WHOLE_PX))  # type: ignore[arg-type]

    def one(index: int) -> tuple[Tensor, Sequence[Label]]:
        labels = [(colour_word(it.colour), kind_word(it.kind), it.x, it.y) for it in found.figures(index)]
        return (found[index].clip[0] * 255).round().to(torch.uint8), labels

    return one


def whole_kinds(split: str) -> Callable[[int], tuple[Tensor, Sequence[Label]]]:
    """Pictures of ``kinds``: four objects, all of them told."""
    found = Kinds(DataRequest(split, 1 << 30, DATA_SEED, canvas_px=WHOLE_PX))  # type: ignore[arg-type]

    def one(index: int) -> tuple[Tensor, Sequence[Label]]:
        labels = [
            (NONE, kind_word(it.kind), float(it.centres[0][0]), float(it.centres[0][1])) for it in found.pieces(index)
        ]
        return (found[index].clip[0] * 255).round().to(torch.uint8), labels

    return one


def _kept(folder: Path, name: str, one: Callable[[int], tuple[Tensor, Sequence[Label]]], count: int) -> Pool:
    """Read what is kept, or draw and keep it."""
    path, digest = folder / f"{name}_{count}.safetensors", _digest(name, one, count)
    if path.is_file():
        with safe_open(path, "pt") as opened:
            if (opened.metadata() or {}).get("digest") == digest:
                held = {key: opened.get_tensor(key) for key in ("pixels", *Things._fields)}
                return Pool(held.pop("pixels"), Things(**held), digest)
    pool = _drawn(name, one, count)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"pixels": pool.pixels, **pool.things._asdict()}, f"{path}.tmp", {"digest": digest})
    Path(f"{path}.tmp").replace(path)
    return pool


def _drawn(name: str, one: Callable[[int], tuple[Tensor, Sequence[Label]]], count: int) -> Pool:
    colours = torch.full((count, MOST), NONE)
    kinds, places = colours.clone(), torch.zeros(count, MOST, 2)
    pixels = []
    for index in range(count):
        picture, labels = one(index)
        side = round(picture.shape[-1] * FED)
        pixels.append((resize(picture[None].float() / 255, (side, side))[0] * 255).round().to(torch.uint8))
        for place, (colour, kind, x, y) in enumerate(sorted(labels, key=lambda label: label[:2])):
            colours[index, place], kinds[index, place] = colour, kind
            places[index, place] = torch.tensor([x, y])
    return Pool(torch.stack(pixels), Things(colours, kinds, places), _digest(name, one, count))


def _digest(name: str, one: Callable[[int], tuple[Tensor, Sequence[Label]]], count: int) -> str:
    """The first picture is part of it because numpy may change its streams between releases."""
    first = one(0)[0].sum().item()
    return fingerprint(generator=GENERATOR, name=name, count=count, seed=DATA_SEED, fed=FED, first=first)


def _channels_first(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
