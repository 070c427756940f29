"""What the nano autoencoder's round trip scores on test splits, read from its files as a download is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.parts.datasets.digits import Digits
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from foresight_harness.parts.datasets.photos import Photos
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.metrics.pixels import psnr, ssim
from foresight_harness.parts.metrics.segments import object_iou
from foresight_harness.parts.statistics.bootstrap import Resamples, bootstrap_means, resamples
from torch import Tensor

from foresight_ltx_video.decoder import build_decoder
from foresight_ltx_video.nano.sampler import CANVAS_PX, FRAMES
from foresight_ltx_video.presets import autoencoder_preset

SETS: dict[str, tuple[Any, int, int | None]] = {
    "shapes": (Shapes, 96, None),
    "digits": (Digits, 32, None),
    "photos": (Photos, 32, None),
    "moving_shapes": (MovingShapes, 8, FRAMES),
}
"""Makers, test samples and frames."""


def round_trip(source: Path) -> dict[str, Any]:
    """Scores of encoding and decoding test samples, as JSON values: mean, 95 % interval, lowest, count."""
    decoder = build_decoder(autoencoder_preset("ltx_video_nano"), BuildRequest(weights="nano", source=str(source)))
    found: dict[str, Any] = {"canvas_px": CANVAS_PX, "split": "test", "interval": "bootstrap over groups, 95 %"}
    for name, (maker, count, frames) in SETS.items():
        held = maker(DataRequest("test", count, 0, canvas_px=CANVAS_PX, frames=frames))
        samples = [held[index] for index in range(count)]
        target = torch.stack([sample.clip for sample in samples])
        with torch.inference_mode():
            output = torch.cat([decoder.decode(decoder.encode(block)) for block in torch.split(target, 8)])
        scores = {"psnr": psnr(output, target), "ssim": ssim(output, target)}
        if samples[0].masks is not None:
            masks = [sample.masks for sample in samples]
            scores["decoded_iou"] = object_iou(output, target, masks)
            scores["decoded_iou_of_target"] = object_iou(target, target, masks)
        drawn = resamples([sample.group for sample in samples])
        found[name] = {"fingerprint": held.fingerprint} | {
            key: _summary(values, drawn) for key, values in scores.items()
        }
    return found


def _summary(values: Tensor, drawn: Resamples) -> dict[str, Any]:
    (found,) = bootstrap_means(values.double().numpy()[:, None], drawn)
    ends = None if found.interval is None else [round(found.interval.low, 4), round(found.interval.high, 4)]
    lowest = round(float(values[~values.isnan()].min()), 4)
    return {"mean": round(found.mean, 4), "interval": ends, "lowest": lowest, "n": found.n}
