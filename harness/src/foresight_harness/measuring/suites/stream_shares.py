"""How much a fusion attends to each stream on the first test pictures, where ``--stream-shares N`` asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from foresight_harness.contracts.errors import GridError
from foresight_harness.planning.plugin_calls import calling

if TYPE_CHECKING:
    from foresight_harness.measuring.fitting.fitted import Fitted
    from foresight_harness.measuring.workshop.cell import Cell

OFF_ONE = 1e-3
"""How far a query's shares may sum to anything but 1: rounding of half precision."""


def stream_shares(cell: Cell, fitted: Fitted) -> dict[str, Any] | None:
    """What is kept of the fusion's attention.

    Args:
        cell: Whose first test pictures are read, as many as the run was asked to keep.
        fitted: The candidate's modules.

    Returns:
        ``streams`` (names); ``even`` (each one's share of the tokens: what attention that does not choose would give);
        ``mean`` (over queries, frames and pictures); ``pictures``: ``sample`` and ``shares`` by stream, row and column
        of the queries, mean over frames. JSON types. None where nobody asked, where there is one stream, and where the
        fusion attends to none or only to one of them.

    Raises:
        GridError: where a fusion's shares have another form than its contract says, or do not sum to 1.
    """
    count: int = cell.workshop.options.stream_shares
    fusion: Any = fitted.modules.fusion
    if not count or len(cell.candidate.streams) < 2 or not hasattr(fusion, "stream_shares"):
        return None
    streams = cell.streams("test")
    wanted = range(min(count, len(streams)))
    taps, clips = streams.take(wanted, clips=fitted.modules.uses_image)
    moved = [[grid.to(fitted.device) for grid in stream] for stream in taps]
    with torch.inference_mode():
        grids = fitted.modules.enhanced(moved, None if clips is None else clips.to(fitted.device))
        with calling(fusion, "stream_shares"):
            shares = fusion.stream_shares(grids)
    checked = _checked(shares, grids, cell.candidate.fusion.name)
    tokens = [int(grid.shape[2] * grid.shape[3]) for grid in grids]
    by_stream = checked.mean(1).permute(0, 3, 1, 2)
    return {
        "streams": [str(stream.ref) for stream in cell.candidate.streams],
        "even": _written([each / sum(tokens) for each in tokens]),
        "mean": _written(checked.mean((0, 1, 2, 3)).tolist()),
        "pictures": [{"sample": streams.ids[index], "shares": _written(by_stream[index].tolist())} for index in wanted],
    }


def _checked(shares: Tensor, grids: Sequence[Tensor], name: str) -> Tensor:
    """The shares in double precision on the CPU, as the contract has them. [B, T, rows, columns, streams]"""
    wanted = (*grids[0].shape[:2], len(grids))
    found = tuple(shares.shape)
    if len(found) != 5 or (*found[:2], found[-1]) != wanted:
        raise GridError(
            f"{name}.stream_shares gives {found}, wanted [B, T, rows, columns, streams] of "
            f"{wanted[0]} pictures, {wanted[1]} frames and {wanted[2]} streams"
        )
    known = shares.detach().cpu().double()
    off = float((known.sum(-1) - 1).abs().max())
    if not off <= OFF_ONE or float(known.min()) < 0:
        raise GridError(
            f"{name}.stream_shares: a query's shares are not negative and sum to 1, these are off by {off:.3g}"
        )
    return known


def _written(values: Any) -> Any:
    """Nested numbers to four digits behind the point."""
    return [_written(each) for each in values] if isinstance(values, list) else round(float(values), 4)
