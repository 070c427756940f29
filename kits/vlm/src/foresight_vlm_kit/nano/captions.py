"""What a picture is said to show: kinds and colours in an order that tells nothing of place, with places or without.

Of each object its colour (where the data set has colours), its kind and, where places are told, its column and row.
Objects are ordered by colour and kind. In ``sham`` captions every place is that of an object of another picture.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from foresight_vlm_kit.nano.words import BINS, COLUMN, END, PADDING, ROW

Objective = Literal["what", "where", "sham"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
MOST = 5
"""Objects of one picture at most."""
NONE = -1
"""Id where there is no colour, and kind where there is no object."""


class Things(NamedTuple):
    """The objects of pictures, in the order they are told in; what is missing is ``NONE``."""

    colours: Tensor
    """Ids. [B, MOST] int64"""
    kinds: Tensor
    """Ids. [B, MOST] int64"""
    places: Tensor
    """x and y of the middles, of 1. [B, MOST, 2] float32"""

    def of(self, index: Tensor) -> Things:
        """Those of some pictures. [N] int64"""
        return Things(self.colours[index], self.kinds[index], self.places[index])


def bins_of(places: Tensor) -> Tensor:
    """Columns and rows. [..., 2] of 1 -> [..., 2] int64"""
    return (places * BINS).long().clamp_(0, BINS - 1)


def of_other_pictures(things: Things) -> Tensor:
    """Every object's place exchanged for one of another picture of the batch. [B, MOST, 2]"""
    real = things.kinds != NONE
    given = things.places.clone()
    # Objects of a picture stand beside each other and are at most MOST: so far away is another picture.
    given[real] = torch.roll(things.places[real], MOST, dims=0)
    return given


def captions(things: Things, objective: Objective) -> Tensor:
    """Captions of one length, ended, then padded. -> [B, L] int64"""
    places = of_other_pictures(things) if objective == "sham" else things.places
    words = [things.colours.unsqueeze(2), things.kinds.unsqueeze(2)]
    if objective != "what":
        words.append(bins_of(places) + torch.tensor([COLUMN, ROW]))
    told = torch.cat(words, dim=2)
    told = told.masked_fill((things.kinds == NONE).unsqueeze(2), NONE).flatten(1)
    rows = [[word for word in row if word != NONE] + [END] for row in told.tolist()]
    length = max(map(len, rows))
    return torch.tensor([row + [PADDING] * (length - len(row)) for row in rows])
