"""Reading streams of samples side by side: sample by sample, however each stream is cut into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from foresight_harness.contracts.batches import SampleBatches, Samples
from foresight_harness.contracts.errors import GridError


def paired(what: str, first: SampleBatches, *others: SampleBatches) -> Iterator[tuple[Tensor, ...]]:
    """Batches of the first stream, each beside the same samples of the others.

    Where a stream is cut follows from shard and batch sizes and says nothing about samples, so the others are cut
    anew to the first one's batches. Two streams are read together in this way only: ``tests/house`` refuses ``zip``.

    Args:
        what: Who reads them, for errors.
        first: Whose batches stay as they are.
        others: Streams of the same samples in the same order.

    Returns:
        One batch of each stream, all of the same samples.

    Raises:
        GridError: where the streams differ in number or order of samples, or give other numbers than they say.
    """
    require_same_samples(what, first, *others)
    return _side_by_side(what, first, others)


def placed(what: str, batches: Iterable[Tensor], count: int) -> Iterator[tuple[slice, Tensor]]:
    """Each batch with the places of its samples, to read it beside what is in memory.

    Args:
        what: Who reads them, for errors.
        batches: Consecutive batches of a whole stream.
        count: Samples that are in memory.

    Raises:
        GridError: where the stream does not end with the last of them.
    """
    start = 0
    for batch in batches:
        stop = start + len(batch)
        if stop > count:
            raise GridError(f"{what}: more samples came than the {count} that are known; read both over one split")
        yield slice(start, stop), batch
        start = stop
    if start != count:
        raise GridError(f"{what}: {start} samples came where {count} are known; read both over one split")


def require_same_samples(what: str, first: Samples, *others: Samples) -> None:
    """Raises: GridError where number or order of samples differ; streams without names are compared by number."""
    for stream in (first, *others):
        if stream.ids and len(stream.ids) != len(stream):
            raise GridError(f"{what}: {len(stream.ids)} names for {len(stream)} samples; run again with a new cache")
    for other in others:
        if len(first) != len(other):
            raise GridError(f"{what}: {len(first)} samples beside {len(other)}; read both over the same split")
    named = [stream.ids for stream in (first, *others) if stream.ids]
    for ids in named[1:]:
        if ids != named[0]:
            place = next(place for place in range(len(ids)) if ids[place] != named[0][place])
            raise GridError(
                f"{what}: sample {place} is {named[0][place]!r} in one stream and {ids[place]!r} in another; "
                "read both over the same split, in one order"
            )


def _side_by_side(what: str, first: SampleBatches, others: tuple[SampleBatches, ...]) -> Iterator[tuple[Tensor, ...]]:
    cut = [_Cut(f"{what}: stream {number}", other) for number, other in enumerate(others, start=2)]
    for _, batch in placed(f"{what}: stream 1", first, len(first)):
        yield (batch, *(other.following(len(batch)) for other in cut))
    for other in cut:
        other.ended()


class _Cut:
    """A stream that is cut as it is asked for."""

    def __init__(self, what: str, stream: SampleBatches) -> None:
        self._batches = placed(what, stream, len(stream))
        self._rest: Tensor | None = None

    def following(self, count: int) -> Tensor:
        """The next ``count`` samples; the stream's own batch where it fits. Raises: GridError where it ends before."""
        parts: list[Tensor] = []
        while count:
            if self._rest is None or not len(self._rest):
                # ``placed`` has raised where the stream is shorter than it says, and lengths were compared before.
                _, self._rest = next(self._batches)
            part, self._rest = self._rest[:count], self._rest[count:]
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def ended(self) -> None:
        """Raises: GridError where the stream has more samples than it says."""
        for _ in self._batches:
            pass
