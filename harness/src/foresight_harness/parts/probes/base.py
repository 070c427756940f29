"""What every probe does, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from foresight_harness.contracts.batches import GridBatches, Labels


class Detections(NamedTuple):
    """Predicted boxes of one sample, best first."""

    boxes: Tensor
    """xyxy in [0, 1]. [N, 4] float32"""
    scores: Tensor
    """Higher is surer; comparable between samples of one prediction, not between probes. [N] float32"""


@runtime_checkable
class Probe(Protocol):
    """A small readout that turns frozen features into boxes. A score without its probe's name means nothing."""

    name: str
    audit_only: bool
    """True for probes that are known not to measure what they claim; the audit shows it, nothing is ranked by them."""
    max_objects: int | None
    """Objects that it can predict in one picture; None is any number. The rest of the list is the train split's best
    constant box."""

    def choices(self) -> Mapping[str, object]:
        """Everything that decides what the number means; part of the protocol's digest. JSON values only."""
        ...

    def fit(self, features: GridBatches, labels: Labels, seed: int) -> None:
        """Fit to the train split; a second call starts anew.

        Raises:
            GridError: if features and labels disagree in number, or places carry no meaning and the probe needs them.
            FitError: if the fit met values that are not finite.
        """
        ...

    def predict(self, features: GridBatches, counts: Sequence[int]) -> list[Detections]:
        """Predict boxes of the last frame.

        Args:
            features: Grids of the shape that was fitted.
            counts: Objects in each sample. At least that many detections come back: the first ``count`` are what IoU is
                read from, all of them are what average precision is read from. [B]
        """
        ...
