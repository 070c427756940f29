"""How often a nano VLM tells the next word of a held-out caption, with the picture and with another one (blind)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foresight_vlm_kit.nano.captions import Objective, captions
from foresight_vlm_kit.nano.loop import Reader
from foresight_vlm_kit.nano.pictures import Pool
from foresight_vlm_kit.nano.words import BINS, COLUMN, FIRST, ROW, kind_word

FIRST_KIND = kind_word("cross")


@torch.no_grad()
def rates(model: nn.Module, read: Reader, pool: Pool, objective: Objective, *, batch: int = 32) -> dict[str, float]:
    """Shares of words told right, given the picture's own caption so far; the highest of all words counts.

    Args:
        model: In evaluation mode.
        read: Scores captions with it.
        pool: Held-out pictures.
        objective: Of its training: a model of ``what`` is asked for no places; one of ``sham`` for the picture's own.
        batch: Pictures at a time.

    Returns:
        ``colour``, ``kind`` and, where places are told, ``exact`` and ``within_one`` of columns and rows, each also as
        ``blind_...``: the same captions under the next picture of the pool.
    """
    asked: Objective = "what" if objective == "what" else "where"
    words = captions(pool.things, asked)
    found: dict[str, float] = {}
    for name, shift in (("", 0), ("blind_", 1)):
        pixels = torch.roll(pool.pixels, shift, dims=0)
        told = torch.cat(
            [
                read(model, pixels[start : start + batch].float() / 255, words[start : start + batch]).argmax(-1)
                for start in range(0, len(pool), batch)
            ]
        )
        found |= {f"{name}{key}": value for key, value in _shares(told, words).items()}
    return found


def _shares(told: Tensor, words: Tensor) -> dict[str, float]:
    places = (words >= COLUMN) & (words < ROW + BINS)
    groups = {"colour": (words >= FIRST) & (words < FIRST_KIND), "kind": (words >= FIRST_KIND) & (words < COLUMN)}
    found = {name: _share((told == words)[group]) for name, group in groups.items()}
    if places.any():
        axis = words[places] >= ROW
        near = (told[places] - words[places]).abs() <= 1
        same_axis = ((told[places] >= ROW) == axis) & (told[places] >= COLUMN)
        found |= {"exact": _share((told == words)[places]), "within_one": _share(near & same_axis)}
    return found


def _share(right: Tensor) -> float:
    return round(float(right.float().mean()), 4)
