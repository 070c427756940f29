"""Calling an encoder: batches, unequal picture sizes, out of memory, checks on what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.token_grids import TokenGrid, require_finite
from foresight_harness.planning.plugin_calls import calling


def encode_batch(encoder: Encoder, clips: Tensor, taps: Sequence[str], who: str = "") -> dict[str, TokenGrid]:
    """Encode one batch; out of memory halves it, down to single pictures, before it becomes an error.

    Args:
        encoder: A built encoder.
        clips: [B, T, 3, H_px, W_px] on the encoder's device (coverage or grids for encoders that read those).
        taps: Names of taps.
        who: The encoder with its plugin, for messages.

    Returns:
        One grid per tap.

    Raises:
        PluginFailure: if the encoder exits, or changes what moves the numbers of others; see ``calling``.
        GridError: if no mapping of taps to grids came back, a tap is absent, has another batch size, or is not finite.
        torch.OutOfMemoryError: if a single picture does not fit.
    """
    try:
        with calling(encoder, "encode"), torch.inference_mode():
            grids = encoder.encode(clips, taps)
    except torch.OutOfMemoryError:
        if len(clips) == 1:
            raise
        torch.cuda.empty_cache()
        half = len(clips) // 2
        parts = [encode_batch(encoder, part, taps, who) for part in (clips[:half], clips[half:])]
        return {tap: TokenGrid(torch.cat([part[tap].tokens for part in parts])) for tap in taps}
    return checked_grids(grids, len(clips), taps, who)


def checked_grids(grids: object, count: int, taps: Sequence[str], who: str = "") -> dict[str, TokenGrid]:
    """What an encoder returned, as a mapping of each tap to its grid.

    Args:
        grids: Returned by ``encode``.
        count: Clips that went in.
        taps: Names of taps that were asked for.
        who: The encoder with its plugin, for messages.

    Raises:
        GridError: in one line, with what came back by its shape.
    """
    said = f"{who}: " if who else ""
    wanted = f"a mapping of tap to TokenGrid is wanted, {{{taps[0]!r}: TokenGrid(...)}}"
    if not isinstance(grids, Mapping):
        raise GridError(f"{said}encode returned {described(grids)}; {wanted}")
    for tap in taps:
        if tap not in grids:
            raise GridError(f"{said}tap {tap!r} was asked for and {sorted(map(str, grids))} came back")
        if not isinstance(grids[tap], TokenGrid):
            raise GridError(f"{said}tap {tap!r} is {described(grids[tap])}; {wanted}")
        if len(grids[tap]) != count:
            raise GridError(f"{said}tap {tap!r}: {count} clips went in, {len(grids[tap])} grids came back")
        require_finite(grids[tap].tokens, f"{said}tap {tap!r}")
    return dict(grids)


def described(value: object) -> str:
    """What something is, tensors by shape and never by value."""
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, list | tuple) and value:
        return f"a {type(value).__name__} of {len(value)}, the first {described(value[0])}"
    return f"a {type(value).__name__}"


def encode_pictures(encoder: Encoder, clips: Sequence[Tensor], taps: Sequence[str]) -> list[dict[str, Tensor]]:
    """Encode clips of unequal sizes: those of one size go together, the answers come back in order.

    Args:
        encoder: A built encoder.
        clips: One a sample. [T, 3, H_px, W_px]
        taps: Names of taps.

    Returns:
        For each clip its tokens by tap. [T', H, W, C]
    """
    by_size: dict[tuple[int, ...], list[int]] = {}
    for index, clip in enumerate(clips):
        by_size.setdefault(tuple(clip.shape), []).append(index)
    found: list[dict[str, Tensor]] = [{} for _ in clips]
    for indices in by_size.values():
        grids = encode_batch(encoder, torch.stack([clips[index] for index in indices]), taps)
        for place, index in enumerate(indices):
            found[index] = {tap: grids[tap].tokens[place] for tap in taps}
    return found
