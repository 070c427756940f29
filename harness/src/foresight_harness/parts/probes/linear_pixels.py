"""``linear_pixels``: how much of a picture is a linear function of its tokens, patch by patch (experiment E1.2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.batches import GridBatches, SampleBatches
from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.pairing import paired
from foresight_harness.parts.closed_form import LAMBDAS, RidgeFit, RidgeSums, ridge_dual
from foresight_harness.parts.probes.boxes import Floats


class LinearPixels:
    """Per-token ridge to the pixels of the token's patch.

    A coarser grid has larger patches to explain, of the same picture: values of different grids may be compared.
    """

    name = "linear_pixels"

    def __init__(self) -> None:
        self._fit: RidgeFit | None = None

    def choices(self) -> dict[str, object]:
        """Everything that decides what the number means."""
        return {
            "probe": "linear_pixels/1",
            "target": "pixels of the token's patch, last frame of its slot",
            "lambdas": list(LAMBDAS),
            "lambda_by": "gcv, or leave-one-out with fewer tokens than channels",
            "r2": "1 - squared error / squared distance to the picture's mean colour",
        }

    def fit(self, features: GridBatches, clips: SampleBatches) -> None:
        """Fit to the train split.

        Args:
            features: Grids.
            clips: Pictures of the same samples, in [0, 1]. [b, T_px, 3, H_px, W_px]

        Raises:
            FitError: if a value is not finite.
            GridError: if grids and clips are not of the same samples in the same order.
        """
        shape = features.shape
        few = len(features) * shape.cells <= shape.width
        sums, rows = None, []
        for tokens, patches in _pairs(features, clips):
            x, y = tokens.flatten(0, 3), patches.flatten(0, 3)
            if few:
                rows.append((x, y))
                continue
            sums = sums or RidgeSums(x.shape[1], y.shape[1])
            sums.update(x, y)
        if sums is not None:
            self._fit = sums.solve()
        elif rows:
            self._fit = ridge_dual(torch.cat([x for x, _ in rows]), torch.cat([y for _, y in rows]))
        else:
            raise FitError(f"probe {self.name}: there is nothing to fit")

    def r2(self, features: GridBatches, clips: SampleBatches) -> Floats:
        """Share of each sample's own pixel variance that its tokens explain; NaN for a picture of one colour. [B]"""
        if self._fit is None:
            raise FitError(f"probe {self.name}: r2 before fit")
        values = []
        for tokens, patches in _pairs(features, clips):
            values.append(explained(self._fit.predict(tokens), patches))
        return np.asarray(torch.cat(values).cpu().numpy())

    def pictures(self, features: GridBatches, size: tuple[int, int]) -> Tensor:
        """Pictures that the tokens of each sample's last slot say, patch beside patch.

        Args:
            features: Grids of the shape that was fitted.
            size: Rows and columns of the pictures that were fitted, in pixels.

        Returns:
            Clamped to [0, 1]. [B, 1, 3, H_px, W_px] float32
        """
        if self._fit is None:
            raise FitError(f"probe {self.name}: pictures before fit")
        rows, cols = features.shape.rows, features.shape.cols
        high, wide = max(round(size[0] / rows), 1), max(round(size[1] / cols), 1)
        said = torch.cat([self._fit.predict(tokens[:, -1]) for tokens in features]).cpu()
        cells = said.reshape(len(said), rows, cols, 3, high, wide).permute(0, 3, 1, 4, 2, 5)
        pictures = cells.reshape(len(said), 3, rows * high, cols * wide)
        if pictures.shape[2:] != size:
            pictures = F.interpolate(pictures, size, mode="bilinear", antialias=True)
        return pictures.clamp(0, 1).float()[:, None]


def patches_of(clips: Tensor, slots: int, rows: int, cols: int) -> Tensor:
    """Pixels under each cell; a picture that the grid does not divide is resized to the nearest size that it does.

    Args:
        clips: [b, T_px, 3, H_px, W_px]
        slots: Temporal slots; a slot stands for the last of its frames.
        rows: Rows of the grid, in tokens.
        cols: Columns of the grid, in tokens.

    Returns:
        Channels outermost in the last axis. [b, T, H, W, 3 * h_px * w_px]
    """
    batch, frames, _, height, width = clips.shape
    last = [(slot + 1) * frames // slots - 1 for slot in range(slots)]
    pictures = clips[:, [max(frame, 0) for frame in last]].flatten(0, 1)
    high, wide = max(round(height / rows), 1), max(round(width / cols), 1)
    if (high * rows, wide * cols) != (height, width):
        pictures = F.interpolate(pictures, (high * rows, wide * cols), mode="bilinear", antialias=True)
    cells = pictures.reshape(batch, slots, 3, rows, high, cols, wide).permute(0, 1, 3, 5, 2, 4, 6)
    return cells.reshape(batch, slots, rows, cols, 3 * high * wide)


def explained(said: Tensor, patches: Tensor) -> Tensor:
    """Share of each picture's own variance that is explained; NaN for a picture of one colour.

    Args:
        said: Predicted pixels. [b, T, H, W, 3 * h_px * w_px]
        patches: True ones, as of ``patches_of``.

    Returns:
        [b] float64
    """
    error = (said - patches).double().square().flatten(1).sum(1)
    colours = patches.double().reshape(*patches.shape[:-1], 3, -1)
    spread = (colours - colours.mean((1, 2, 3, 5), keepdim=True)).square().flatten(1).sum(1)
    return torch.where(spread > 0, 1 - error / spread, torch.full_like(error, torch.nan))


def _pairs(features: GridBatches, clips: SampleBatches) -> Iterator[tuple[Tensor, Tensor]]:
    shape = features.shape
    for tokens, clip in paired("probe linear_pixels", features, clips):
        yield tokens, patches_of(clip.float().to(tokens.device), shape.frames, shape.rows, shape.cols)
