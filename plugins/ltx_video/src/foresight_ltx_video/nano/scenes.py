"""What a nano transformer is trained on: latents of training pictures, and prompts that say what stands where.

The prompts' language is no candidate's: a token holds the mean colours of the quarters of its cell, turned into the
prompt's channels by a fixed random map, and its place. Half of the pictures are described as they are, half with each
object and the background in one colour; an adapter has to find this language through the frozen transformer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.parts.datasets.digits import Digits
from foresight_harness.parts.datasets.photos import Photos
from foresight_harness.parts.datasets.scenes import painted
from foresight_harness.parts.datasets.shapes import Shapes
from torch import Tensor
from torch.nn import functional as F

from foresight_ltx_video.conditioning import place_encoding
from foresight_ltx_video.decoder import build_decoder
from foresight_ltx_video.nano.sampler import CANVAS_PX
from foresight_ltx_video.nano.still import cheap_stills
from foresight_ltx_video.presets import autoencoder_preset

SOURCES: dict[str, tuple[Any, int]] = {"shapes": (Shapes, 3000), "photos": (Photos, 240), "digits": (Digits, 240)}
"""Pictures of a run, by data set."""
THUMBNAIL_PX = 32
LANGUAGE_SEED = 7
"""Of the fixed random map from colours to prompt channels."""
COLOURS = 12
"""Red, green and blue of four quarters."""
BLOCK = 16
"""Pictures that are encoded at once."""


@dataclass(frozen=True)
class Scenes:
    """Latents of training pictures beside small versions of the pictures."""

    latents: Tensor
    """Normalised. [N, 1, H', W', 128]"""
    pictures: Tensor
    """As they are, and with each part in its mean colour. [2, N, 3, THUMBNAIL_PX, THUMBNAIL_PX]"""
    fingerprints: dict[str, str]


def build_scenes(seed: int, share: float = 1.0) -> Scenes:
    """Draw training pictures and encode them with the committed autoencoder; ``share`` below 1 takes fewer.

    Raises:
        DataError: if an installed package ships without its pictures.
        CheckpointError: if the autoencoder's weights are absent or damaged.
    """
    decoder = build_decoder(autoencoder_preset("ltx_video_nano"), BuildRequest(weights="nano"))
    latents, pictures, fingerprints = [], [], {}
    with torch.inference_mode(), cheap_stills(decoder.vae):
        for name, (maker, count) in SOURCES.items():
            held = maker(DataRequest("train", max(2, round(count * share)), seed, canvas_px=CANVAS_PX))
            fingerprints[name] = held.fingerprint
            for first in range(0, len(held), BLOCK):
                samples = [held[index] for index in range(first, min(first + BLOCK, len(held)))]
                clips = torch.stack([sample.clip for sample in samples])
                latents.append(decoder.encode(clips))
                pictures.append(torch.stack([_small(clips), _small(_parts(clips, samples))]))
    return Scenes(torch.cat(latents).clone(), torch.cat(pictures, dim=1).clone(), fingerprints)


def scene_prompts(pictures: Tensor, cells: int, width: int) -> Tensor:
    """Prompt tokens of small pictures. [B, 3, THUMBNAIL_PX, THUMBNAIL_PX] -> [B, cells * cells, width]"""
    halves = F.interpolate(pictures, (2 * cells, 2 * cells), mode="area")
    colours = F.pixel_unshuffle(2 * halves - 1, 2).permute(0, 2, 3, 1)
    drawn = torch.randn(width, COLOURS, generator=torch.Generator().manual_seed(LANGUAGE_SEED))
    turn = torch.linalg.qr(drawn)[0] * math.sqrt(width / COLOURS)
    tokens: Tensor = colours @ turn.T + place_encoding(1, cells, cells, width)[0]
    return tokens.flatten(1, 2)


def _parts(clips: Tensor, samples: list[Any]) -> Tensor:
    """Pictures with each part in its mean colour; as they are where nothing is known of objects."""
    if samples[0].masks is None:
        return clips
    return painted(clips, torch.stack([sample.masks.any(dim=1) for sample in samples]))[:, :, 1:]


def _small(clips: Tensor) -> Tensor:
    return F.interpolate(clips.flatten(0, 1), (THUMBNAIL_PX, THUMBNAIL_PX), mode="area")
