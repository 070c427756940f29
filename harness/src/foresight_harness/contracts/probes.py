"""What probes do, and what they hand back. Torch is imported for types only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from foresight_harness.contracts.batches import GridBatches, Labels, SampleBatches


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


@runtime_checkable
class PixelProbe(Protocol):
    """A small readout that turns frozen features into pixels."""

    name: str

    def choices(self) -> Mapping[str, object]:
        """Everything that decides what the number means; part of the protocol's digest. JSON values only."""
        ...

    def fit(self, features: GridBatches, clips: SampleBatches) -> None:
        """Fit to the train split.

        Args:
            features: Grids.
            clips: The same samples in the same batches, in [0, 1]. [b, T_px, 3, H_px, W_px]

        Raises:
            FitError: if a value is not finite.
            GridError: if batches and clips differ in length.
        """
        ...

    def r2(self, features: GridBatches, clips: SampleBatches) -> NDArray[np.float64]:
        """Share of each sample's own pixel variance that its tokens explain; NaN for a picture of one colour. [B]"""
        ...
