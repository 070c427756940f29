"""Do the declared colours arrive? Bands of known colours go in; the first convolution shows what reaches the network.

A plain colour survives any resize. ``mean + k std`` must arrive as ``k``, another ``k`` in each channel, so that
another order of channels shows too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

STEPS = ((0.0, 0.0, 0.0), (0.0, 0.5, 1.0), (1.0, 0.0, 0.5))
LEAST = 0.5
"""Share of the pixels that must be of one of the bands; the rest is edges and padding."""
LEAST_OF_ONE = 0.04
Colour = tuple[float, float, float]


def declared(preprocessing: Mapping[str, Any]) -> tuple[Colour, Colour, bool] | str:
    """Mean and standard deviation for pixels in [0, 1], and whether blue comes first; else why nothing can be said."""
    mean, std = preprocessing.get("mean"), preprocessing.get("std")
    if not _three(mean) or not _three(std):
        return "no mean and std of three channels declared"
    assert isinstance(mean, Sequence)
    assert isinstance(std, Sequence)
    scale = 255.0 if max(*mean, *std) > 2 else 1.0
    order = str(preprocessing.get("channels", preprocessing.get("channel_order", "rgb"))).lower()
    if min(std) <= 0:
        return "a declared std is not above 0"
    return _colour(mean, scale), _colour(std, scale), order == "bgr"


def band_colours(mean: Colour, std: Colour) -> tuple[Colour, ...]:
    """Red, green, blue of each band, in [0, 1]."""
    return tuple(_inside([m + k * s for m, k, s in zip(mean, steps, std, strict=True)]) for steps in STEPS)


def fault_of(pixels: Tensor, mean: Colour, std: Colour, *, blue_first: bool, tolerance: float) -> str | None:
    """What is wrong with pixels that reached the network; None where the bands arrive as declared.

    Args:
        pixels: Input of the first convolution, of a picture of ``band_colours``. [N, 3, ...]
        mean: Declared, for pixels in [0, 1]; of red, green and blue.
        std: The same.
        blue_first: Whether that order is declared.
        tolerance: In standard deviations.
    """
    found = pixels.movedim(1, -1).reshape(-1, 3)
    shown, centre, spread = (torch.tensor(values) for values in (band_colours(mean, std), mean, std))
    plain = (shown - centre) / spread
    turned = [plain.flip(1), (shown.flip(1) - centre) / spread]
    """Blue first: with mean and std turned too, or left as they are."""
    wanted = turned if blue_first else [plain]
    if any(_arrives(found, colours, tolerance) for colours in wanted):
        return None
    declared_as = f"mean {_told(mean)} and std {_told(std)} are declared"
    if not blue_first and any(_arrives(found, colours, tolerance) for colours in turned):
        return f"channels arrive in the order blue, green, red ({declared_as}); hand them over as red, green, blue"
    seen = found.quantile(0.5, dim=0).tolist() if len(found) < 2**20 else found.median(0).values.tolist()
    middle = wanted[0].median(0).values.tolist()
    return (
        f"{declared_as}, and bands of known colours arrive otherwise (median {_told(seen)}, wanted {_told(middle)}): "
        "declare the normalisation that is applied, or apply the declared one"
    )


def _arrives(found: Tensor, wanted: Tensor, tolerance: float) -> bool:
    shares = [float(((found - colour).abs().amax(1) < tolerance).float().mean()) for colour in wanted]
    return sum(shares) >= LEAST and min(shares) >= LEAST_OF_ONE


def _three(values: object) -> bool:
    return isinstance(values, list | tuple) and len(values) == 3 and all(isinstance(v, int | float) for v in values)


def _colour(values: Sequence[float], scale: float) -> Colour:
    return (values[0] / scale, values[1] / scale, values[2] / scale)


def _inside(values: Sequence[float]) -> Colour:
    low = [min(max(value, 0.0), 1.0) for value in values]
    return (low[0], low[1], low[2])


def _told(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in values) + ")"
