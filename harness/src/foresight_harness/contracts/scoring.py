"""What a suite is given: one candidate on one data set, as far as suites of plugins rely on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from foresight_harness.contracts.batches import GridBatches, Labels
    from foresight_harness.contracts.outcomes import ControlVerdict, Outcome


class ScoredSplit(Protocol):
    """Clips and labels of one split, decoded."""

    @property
    def labels(self) -> Labels:
        """Ids, groups, boxes, masks, motion, in sample order."""
        ...

    def __len__(self) -> int: ...

    def batches(self, size: int) -> Iterator[Tensor]:
        """Clips in order, in [0, 1]. [b, T, 3, H_px, W_px] float32"""
        ...

    def take(self, indices: Sequence[int]) -> Tensor:
        """Clips of these samples, in [0, 1]. [len(indices), T, 3, H_px, W_px] float32"""
        ...


class SuiteCell(Protocol):
    """One cell: a candidate in a suite on a data set."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of trained parts; one where nothing is trained for this suite."""
        ...

    def split(self, name: Literal["train", "test"]) -> ScoredSplit:
        """A split of the cell's data set."""
        ...

    def conditioning(self, name: Literal["train", "test"], seed: int = 0) -> GridBatches:
        """What the candidate makes of a split, between encoder and decoder, its modules fitted for places.

        Raises:
            FitError: if the fit diverged or made no progress.
        """
        ...

    def calibrated(
        self, measure: Callable[[Any], Outcome], judge: Callable[[Any, Mapping[str, Outcome]], ControlVerdict]
    ) -> tuple[Outcome, ControlVerdict]:
        """Measure this cell, and the controls that the suite declares, on the same data set.

        Args:
            measure: From a cell to its outcome, without looking at any other.
            judge: From this cell and the controls' outcomes, by stream, to what they say. Asked once a run.

        Returns:
            This cell's outcome, and the verdict of the controls. The harness records the controls themselves.
        """
        ...
