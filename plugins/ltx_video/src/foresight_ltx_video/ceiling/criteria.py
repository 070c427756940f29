"""When a round trip is a ceiling, written down before the first run, and which state of a run is kept.

On every set alone, over held-out pictures:

* LPIPS (AlexNet) is at most half of the LPIPS of the mean picture, which is the mean of the training pictures;
* PSNR is at least 26 dB;
* object IoU is at least 0.85; where the pictures themselves do not reach that by this measure, 0.95 of their own value;
* on clips, at least 0.75 of the squared change between neighbouring frames is kept, after a box average of 4 px that
  takes the pixel noise away: an average of two frames in place of both keeps 0.5 of it at most.

Of the states of a run the one is kept whose worst shortfall is the least, and among those that fall short nowhere the
one with the greatest mean margin. Both are judged on pictures that are neither trained on nor tested on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

LPIPS_SHARE = 0.5
"""Most of the mean picture's LPIPS."""
PSNR_DB = 26.0
OBJECT_IOU = 0.85
OF_OWN_IOU = 0.95
"""Least share of the pictures' own IoU, where that is under ``OBJECT_IOU``."""
CHANGE_KEPT = 0.75
BOX_PX = 4


@dataclass(frozen=True)
class RoundTrip:
    """Means over the pictures of one set; None where the set has no such thing."""

    lpips: float
    lpips_of_mean_picture: float
    psnr: float
    object_iou: float | None = None
    object_iou_of_target: float | None = None
    change_kept: float | None = None


def margins(found: RoundTrip) -> dict[str, float]:
    """How far each criterion is exceeded, in its own bound; negative where it is missed."""
    most = LPIPS_SHARE * found.lpips_of_mean_picture
    result = {"lpips": 1 - found.lpips / most, "psnr": found.psnr / PSNR_DB - 1}
    if found.object_iou is not None and found.object_iou_of_target is not None:
        own = found.object_iou_of_target
        least = OBJECT_IOU if own >= OBJECT_IOU else OF_OWN_IOU * own
        result["object_iou"] = found.object_iou / least - 1
    if found.change_kept is not None:
        result["change_kept"] = found.change_kept / CHANGE_KEPT - 1
    return result


def standing(found: Mapping[str, RoundTrip]) -> tuple[float, float]:
    """What states of a run are compared by, greater is better: worst shortfall (at most 0), then mean margin."""
    every = [margin for one in found.values() for margin in margins(one).values()]
    return min(0.0, *every), sum(every) / len(every)


def change_kept(output: Tensor, target: Tensor) -> Tensor:
    """Share of the change between neighbouring frames that is there, 1 where all is. [B, T, 3, H, W], twice -> [B]"""
    wanted, got = _change(target), _change(output)
    return 1 - (got - wanted).square().sum((1, 2, 3, 4)) / wanted.square().sum((1, 2, 3, 4))


def _change(clips: Tensor) -> Tensor:
    smooth = F.avg_pool2d(clips.flatten(0, 1), BOX_PX)
    return smooth.reshape(*clips.shape[:2], *smooth.shape[1:]).diff(dim=1)
