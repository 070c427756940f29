"""Features of clips for FVD: what a VideoMAE classifier hands to its last layer; weights from the user's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.weights import check_folder, library_folder, provenance_of, require_complete
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_ltx_video.presets import FVD_VARIABLE

ARCHITECTURE = "VideoMAEForVideoClassification"
BATCH = 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, which the published processors name too; a folder's own ``preprocessor_config.json`` wins."""


class VideoFeatures:
    """A frozen classifier without its last layer.

    Frames are taken evenly over the clip, the nearest ones, as many as the network was trained on; pictures are resized
    to its size (bilinear, antialiased) and normalised as its processor does.
    """

    def __init__(self, model: nn.Module, config: Any, mean: Tensor, std: Tensor, origin: Mapping[str, Any]) -> None:
        self.model: Any = model
        self.frames, self.side = int(config.num_frames), int(config.image_size)
        self.mean, self.std, self.origin = mean, std, origin

    @torch.inference_mode()
    def __call__(self, clips: Tensor) -> Tensor:
        """[B, T, 3, H_px, W_px] in [0, 1] -> [B, d] float64"""
        chosen = torch.linspace(0, clips.shape[1] - 1, self.frames).round().long()
        starts = range(0, len(clips), BATCH)
        parts = [self._block(clips[start : start + BATCH, chosen].float()) for start in starts]
        return torch.cat(parts).double()

    def _block(self, clips: Tensor) -> Tensor:
        size = (self.side, self.side)
        pictures = F.interpolate(clips.flatten(0, 1), size, mode="bilinear", align_corners=False, antialias=True)
        normed = (pictures - self.mean[:, None, None]) / self.std[:, None, None]
        features: Tensor = self.model(pixel_values=normed.reshape(len(clips), self.frames, 3, *size)).logits
        return features

    def facts(self) -> Mapping[str, Any]:
        """Architecture, origin of the weights, frames and side of what it is shown."""
        return {"architecture": ARCHITECTURE, "frames": self.frames, "input_px": self.side, **self.origin}


def build_features(folder: str) -> VideoFeatures:
    """Read a checkpoint folder in the published layout.

    Raises:
        CheckpointError: if the folder is absent, of another architecture, a pickle, damaged or incomplete.
    """
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    where = Path(folder).expanduser()
    if not where.is_dir():
        raise CheckpointError(f"{FVD_VARIABLE}={folder} is no folder; name a checkpoint of {ARCHITECTURE}")
    found = check_folder(where, model_types=("videomae",), expected=f"fvd_videomae ({FVD_VARIABLE})")
    named = found.get("architectures") or [ARCHITECTURE]
    if named != [ARCHITECTURE]:
        raise CheckpointError(
            f"{where} is a {named[0]}; fvd_videomae needs {ARCHITECTURE}, so that one name is one definition"
        )
    model_class: Any = VideoMAEForVideoClassification
    with library_folder(where) as place:
        model, info = model_class.from_pretrained(
            place,
            config=VideoMAEConfig.from_dict(found),
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    require_complete(
        where,
        missing=info["missing_keys"],
        unexpected=info["unexpected_keys"],
        mismatched=info["mismatched_keys"],
    )
    model.classifier = nn.Identity()
    origin = provenance_of("fvd_videomae", {}, BuildRequest(weights="pretrained", source=str(where)))
    known = {key: value for key, value in origin.as_json().items() if value is not None}
    mean, std = _normalisation(where)
    return VideoFeatures(model.eval().requires_grad_(False), model.config, mean, std, known)


def _normalisation(folder: Path) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the folder's own processor. [3], [3]"""
    path = folder / "preprocessor_config.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        mean, std = torch.tensor(found.get("image_mean", MEAN)), torch.tensor(found.get("image_std", STD))
    except (ValueError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path} is no processor configuration: {error}") from error
    if mean.shape != (3,) or std.shape != (3,) or not (std > 0).all():
        raise CheckpointError(f"{path}: image_mean and image_std are three numbers each, deviations above 0")
    return mean, std
