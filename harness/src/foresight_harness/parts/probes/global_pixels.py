"""``global_pixels``: how much of a picture is a linear function of all its tokens together (experiment E1.2)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.batches import GridBatches, SampleBatches
from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.pairing import paired
from foresight_harness.contracts.specs import GridShape
from foresight_harness.parts.closed_form import LAMBDAS, DualRidgeFit, ridge_unwritten
from foresight_harness.parts.probes.boxes import Floats
from foresight_harness.parts.probes.flattened_ridge import HELD_BYTES, averaged, block_of
from foresight_harness.parts.probes.linear_pixels import explained, patches_of


class GlobalPixels:
    """Ridge from the whole grid to the whole picture: every pixel may be read from every token.

    What it explains beyond ``linear_pixels`` stands in tokens of other places than the pixels', so tokens in a wrong
    order cost it nothing; with fewer pictures than numbers in a grid it generalises less than per token. The same
    pixels and the same share as there: values of both may be compared, but a grid that says nothing scores here what
    the mean picture explains. Solved in its dual form, one coefficient a training picture and pixel.
    """

    name = "global_pixels"

    def __init__(self) -> None:
        self._fit: DualRidgeFit | None = None
        self._shape: GridShape | None = None
        self._block = 1

    def choices(self) -> dict[str, object]:
        """Everything that decides what the number means."""
        return {
            "probe": "global_pixels/1",
            "target": "all pixels of the last frame of every slot",
            "lambdas": list(LAMBDAS),
            "lambda_by": "leave-one-out",
            "averaged": f"over blocks of cells until the train split holds {HELD_BYTES} bytes",
            "r2": "1 - squared error / squared distance to the picture's mean colour",
        }

    def fit(self, features: GridBatches, clips: SampleBatches) -> None:
        """Fit to the train split.

        Args:
            features: Grids.
            clips: Pictures of the same samples, in [0, 1]. [b, T_px, 3, H_px, W_px]

        Raises:
            FitError: if there are fewer than two samples, or a value is not finite.
            GridError: if grids and clips are not of the same samples in the same order.
        """
        self._shape = shape = features.shape
        self._block = block_of(len(features) * shape.frames, shape.rows, shape.cols, shape.width)
        pairs = [
            (self._row(tokens), self._patches(tokens, clip)) for tokens, clip in paired(self._who, features, clips)
        ]
        if not pairs:
            raise FitError(f"probe {self.name}: there is nothing to fit")
        rows, pixels = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        self._fit = ridge_unwritten(rows, pixels.flatten(1))

    def r2(self, features: GridBatches, clips: SampleBatches) -> Floats:
        """Share of each sample's own pixel variance that its grid explains; NaN for a picture of one colour. [B]"""
        if self._fit is None or self._shape is None:
            raise FitError(f"probe {self.name}: r2 before fit")
        if features.shape != self._shape:
            raise FitError(f"probe {self.name}: fitted on grids of {self._shape}, asked of {features.shape}")
        values = []
        for tokens, clip in paired(self._who, features, clips):
            patches = self._patches(tokens, clip)
            values.append(explained(self._fit.predict(self._row(tokens)).reshape(patches.shape), patches))
        return np.asarray(torch.cat(values).cpu().numpy())

    @property
    def _who(self) -> str:
        return f"probe {self.name}"

    def _row(self, tokens: Tensor) -> Tensor:
        """All tokens of each sample in one row. [b, T, H, W, C] -> [b, d]"""
        frames = averaged(tokens.flatten(0, 1), self._block)
        return frames.reshape(len(tokens), -1)

    def _patches(self, tokens: Tensor, clip: Tensor) -> Tensor:
        """[b, T, H, W, 3 * h_px * w_px]"""
        return patches_of(clip.float().to(tokens.device), *tokens.shape[1:4])
