"""Features rounded to half precision where the cache keeps them: half the disk, by name in the protocol."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight_harness.contracts.errors import CacheError


def rounded(tokens: Tensor, dtype: str | None, of: str) -> Tensor:
    """Tokens as they are to be kept.

    Args:
        tokens: As an encoder makes them. [b, T, H, W, C]
        dtype: ``float16`` or ``bfloat16``; None keeps them as they are.
        of: Encoder and tap, for what is said where they do not fit.

    Raises:
        CacheError: where a number that is finite is none any more, because the type does not reach so far.
    """
    if dtype is None:
        return tokens
    kept = tokens.to(getattr(torch, dtype))
    if not torch.equal(kept.isfinite(), tokens.isfinite()):
        most = tokens[tokens.isfinite()].abs().max().item()
        raise CacheError(
            f"--cache-dtype {dtype}: features of {of} reach {most:.3g}, which {dtype} does not hold (up to "
            f"{torch.finfo(getattr(torch, dtype)).max:.3g}); use --cache-dtype bfloat16, or leave it out"
        )
    return kept
