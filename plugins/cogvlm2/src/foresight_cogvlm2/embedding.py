"""A lookup table that is not initialised."""

from __future__ import annotations

import torch
from torch import nn


def empty_embedding(rows: int, width: int) -> nn.Embedding:
    """A table whose values come later.

    ``nn.Embedding`` draws its values, and drawing normal numbers on the meta device imports 900 modules of torch's
    compiler: 14 s on a busy 2-core machine, for values that are never used.
    """
    return nn.Embedding(rows, width, _weight=torch.empty(rows, width))
