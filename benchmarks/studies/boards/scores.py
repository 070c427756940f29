"""Real per-picture scores for ``study.py``: what the primary probe reads from tiny encoders on ``shapes``.

    python benchmarks/studies/boards/scores.py [--seed 1] [--pictures 2000] [--out FILE]

Pictures of one to five objects are encoded by tiny real encoders and read by ``dense_ridge``, as the suite ``spatial``
does. Written to ``scores.npz`` beside this file, so that the study needs no encoder: per-picture IoU of every
candidate; of two of them under tokens with new noise (0.1 of each channel's spread), which is what a new seed changes;
and what average precision at IoU 0.5 needs of each picture. The seed decides pictures, weights and noise. The methods
were made on those of seed 0 and are judged on those of seed 1, which is what is stored. About 4 minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.probes import Detections
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.metrics.average_precision import match_picture
from foresight_harness.parts.metrics.boxes import matched_iou
from foresight_harness.planning.registry import Registry, load_registry
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

ENCODERS = (
    "dinov2_tiny@last",
    "dinov2_tiny_reg@last",
    "internvl2_tiny@post_projector",
    "llava_next_tiny@post_projector",
    "mae_tiny@last",
    "qwen2_5_vl_tiny@post_merge",
    "siglip_tiny@last",
    "eva02_tiny@block.03",
)
SEEDED = ENCODERS[:2]
MATCHED = ("dinov2_tiny@last", "mae_tiny@last", "siglip_tiny@last")
SEEDS, NOISE = 6, 0.1
TRAIN, CANVAS_PX, BATCH = 128, 128, 64
STEP = 4095
"""IoU is stored in steps of 1 / 4095: zeros and ones stay exact."""
SEED = 1
"""Methods were made on the scores of seed 0."""
RESULT = Path(__file__).with_suffix(".npz")


class Scenes:
    """Pictures and labels of both splits."""

    def __init__(self, registry: Registry, pictures: int, seed: int) -> None:
        self.primary, self.seed = registry.primary_probe, seed
        wanted = (
            DataRequest("train", TRAIN, seed, canvas_px=CANVAS_PX),
            DataRequest("test", pictures, seed, canvas_px=CANVAS_PX),
        )
        sets = {one.split: registry.dataset("shapes").build(one) for one in wanted}
        self.labels = {split: labels_of(found) for split, found in sets.items()}
        self.clips = {split: [found[index].clip for index in range(len(found))] for split, found in sets.items()}

    def tokens(self, registry: Registry, name: str) -> dict[str, Tensor]:
        """Tokens of an encoder with random weights. [n, T, H, W, C] by split"""
        spec, _, tap = name.partition("@")
        encoder = registry.encoder(spec).build(BuildRequest(weights="random", seed=self.seed))
        with torch.inference_mode():
            return {
                split: torch.cat(
                    [
                        encoder.encode(torch.stack(clips[start : start + BATCH]), [tap])[tap].tokens.float()
                        for start in range(0, len(clips), BATCH)
                    ]
                )
                for split, clips in self.clips.items()
            }

    def read(self, tokens: dict[str, Tensor], noise: float, seed: int) -> list[Detections]:
        """What the primary probe finds in the test pictures."""
        spread = tokens["train"].flatten(0, 3).std(0)
        random = torch.Generator().manual_seed(100 * self.seed + seed)
        batches = {
            split: TensorBatches(clean + noise * spread * torch.randn(clean.shape, generator=random))
            for split, clean in tokens.items()
        }
        reader = self.primary.of_boxes()
        reader.fit(batches["train"], self.labels["train"], seed)
        return reader.predict(batches["test"], self.labels["test"].object_counts())

    def iou(self, found: list[Detections]) -> NDArray[np.uint16]:
        """IoU of each test picture in steps. [n]"""
        counts = self.labels["test"].object_counts()
        first = [entry.boxes[:count] for entry, count in zip(found, counts, strict=True)]
        return np.rint(matched_iou(first, list(self.labels["test"].boxes)).double().numpy() * STEP).astype(np.uint16)

    def matches(self, found: list[Detections]) -> dict[str, NDArray[np.uint16]]:
        """Picture, rank of the score and hit of every detection: average precision asks for no more."""
        matched = [
            match_picture(entry.boxes, entry.scores, boxes, 0.5)
            for entry, boxes in zip(found, self.labels["test"].boxes, strict=True)
        ]
        picture = np.repeat(np.arange(len(matched)), [len(entry.scores) for entry in matched])
        scores = np.array([score for entry in matched for score in entry.scores])
        hits = np.array([hit for entry in matched for hit in entry.hits])
        ranks = rankdata(scores, method="dense")
        return {
            name: part.astype(np.uint16) for name, part in zip(("p", "s", "h"), (picture, ranks, hits), strict=True)
        }


def main() -> int:
    """Write the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=SEED, help="of pictures, weights and noise")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    registry = load_registry()
    scenes = Scenes(registry, options.pictures, options.seed)
    kept: dict[str, NDArray[np.generic]] = {
        "seed": np.array(options.seed),
        "names": np.array(ENCODERS),
        "seeded": np.array(SEEDED),
        "matched": np.array(MATCHED),
        "objects": np.array(scenes.labels["test"].object_counts(), dtype=np.uint8),
    }
    clean, noisy = [], []
    for name in ENCODERS:
        tokens = scenes.tokens(registry, name)
        found = scenes.read(tokens, 0.0, 0)
        clean.append(scenes.iou(found))
        if name in MATCHED:
            kept |= {f"{key}{MATCHED.index(name)}": part for key, part in scenes.matches(found).items()}
        if name in SEEDED:
            noisy.append([scenes.iou(scenes.read(tokens, NOISE, seed)) for seed in range(1, SEEDS + 1)])
        print(f"{name}: IoU {clean[-1].mean() / STEP:.4f}", file=sys.stderr, flush=True)
    np.savez_compressed(options.out, iou=np.stack(clean), by_seed=np.array(noisy), **kept)
    print(f"{options.out.name}: {options.out.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
