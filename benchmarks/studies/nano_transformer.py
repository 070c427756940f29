"""Does a small trained transformer matter: does a picture come out right because its prompt knew what stands where?

    python plugins/ltx_video/train_nano_transformer.py
    python benchmarks/studies/nano_transformer.py [--source DIR] [--seeds 3] [--write]

The transformer is frozen. Adapters are fitted by flow matching as ``--scale smoke`` does it (128 pictures of
``shapes``, 25 steps of 32, recipe ``joint``), and 8 test pictures are sampled through ``LTXPipeline``, for every seed
with pictures, shuffles and fits of its own. p is that of exact sign flips over the pictures of all seeds, Holm-adjusted
over all comparisons. It matters (written down before the first figure was seen) where

- ``oracle@scene`` beats its own shuffled tokens, which hold the same without its place, in PSNR and in ``decoded_iou``;
- the difference in ``decoded_iou`` is at least 0.1;
- its PSNR is at least that of the mean picture;
- fit and sampling of a cell take at most 10 s of processor time.

Also compared: ``oracle@scene`` with the same without places in its tokens, and prompts in the language of the training
with the same of the picture turned by half; and the flow-matching error with these prompts and with an empty one.
Fails where it does not matter. ``--write`` renews ``nano_transformer.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.specs import GridShape
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter, OwnTargets
from foresight_harness.parts.datasets.scenes import painted
from foresight_harness.parts.statistics import holm
from foresight_harness.parts.statistics.bootstrap import bootstrap_means, resamples
from foresight_harness.parts.training.trainer import train
from foresight_harness.planning.options.scale import scale_of
from foresight_harness.planning.recipes import for_decoder, latents_recipe
from foresight_harness.planning.registry import load_registry
from foresight_ltx_video.conditioned import build_conditioned
from foresight_ltx_video.conditioning import flow_matching_loss
from foresight_ltx_video.nano.command import OUTPUT
from foresight_ltx_video.nano.scenes import THUMBNAIL_PX, scene_prompts
from foresight_ltx_video.presets import NANO_CONDITIONED
from reconstruction_controls import ALPHA, Data, Floats, rounded, tested
from torch import Tensor
from torch.nn import functional as F

Rows = dict[str, dict[str, list[Floats]]]

RECIPE_OF = "ltx_video_dit_tiny"
"""Decoder whose loss the adapters are fitted by: that of every transformer."""
STREAMS = (("oracle@scene", True), ("shuffled:oracle@scene", True), ("oracle@scene", False))
"""With places in the tokens, or without."""
METRICS = ("psnr", "decoded_iou")
PAIRS = (
    ("oracle@scene", "shuffled:oracle@scene"),
    ("oracle@scene", "oracle@scene unplaced"),
    ("own language", "own language, turned"),
)
SIGMAS = (1.0, 0.5)
"""Shares of noise at which the flow-matching error is told."""
CELLS = 16
"""Side of the grid of prompts in the training's language."""
LEAST_IOU = 0.1
MOST_CPU_S = 10.0
RESULT = Path(__file__).with_suffix(".json")


class Held(TensorBatches):
    """Latents in memory, taken by number."""

    def take(self, indices: Sequence[int]) -> Tensor:
        """[b, T', H', W', C]"""
        return self.tokens[list(indices)]


class Sampled:
    """Pictures that the frozen transformer makes of controls under one seed."""

    def __init__(self, registry: Any, decoder: Any, seed: int, steps: int) -> None:
        self.data, self.decoder, self.seed = Data(registry, decoder, seed), decoder, seed
        recipe = for_decoder(latents_recipe("joint", scale_of("smoke")), registry.decoder(RECIPE_OF))
        self.recipe = replace(recipe, steps=steps)
        self.cpu_s: dict[str, float] = {}

    def pictures(self, stream: str, positions: bool = True) -> Tensor:
        """Fit an adapter and sample the test pictures. [n, 1, 3, H_px, W_px]"""
        tokens, latents = self.data.tokens(stream, "train"), Held(self.data.latents)
        began = time.process_time()
        _, _, rows, cols, width = tokens.shape
        torch.manual_seed(self.seed + 1)
        network = self.decoder.build_adapter(GridShape(rows, cols, width), positions=positions)
        targets = OwnTargets(self.decoder, latents, self.seed)  # type: ignore[arg-type]
        train(
            network,
            lambda picked: targets.loss(network(tokens[list(picked)]), picked),
            len(tokens),
            self.recipe,
            self.seed,
        )
        size = (latents.shape.frames, latents.shape.rows, latents.shape.cols)
        made = OwnAdapter(network, self.decoder, size)(self.data.tokens(stream, "test"))
        with torch.inference_mode():
            output: Tensor = self.decoder.decode(made)
        self.cpu_s[_row(stream, positions)] = time.process_time() - began
        return output


def own_language(sampled: Sampled) -> tuple[dict[str, Tensor], dict[str, float]]:
    """What the transformer draws from prompts as it was trained on, told right and turned; its errors under them."""
    decoder, clips = sampled.decoder, sampled.data.clips["test"]
    parts = painted(clips, sampled.data.foreground["test"])[:, 0, 1:]
    small = F.interpolate(parts, (THUMBNAIL_PX, THUMBNAIL_PX), mode="area")
    width = int(decoder.generator.transformer.config.caption_channels)
    told = scene_prompts(small, CELLS, width)
    prompts = {"own language": told, "own language, turned": scene_prompts(small.flip(-1, -2), CELLS, width)}
    outputs, errors = {}, {}
    with torch.inference_mode():
        latents = decoder.encode(clips)
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(sampled.seed))
        for name, tokens in prompts.items():
            outputs[name] = decoder.decode(decoder.sample(tokens, latents.shape[1:4], range(len(tokens))))
        for name, tokens in (prompts | {"empty prompt": torch.zeros_like(told[:, :1])}).items():
            for sigma in SIGMAS:
                shares = torch.full((len(latents),), sigma)
                found = flow_matching_loss(decoder.generator.transformer, latents, tokens, sigmas=shares, noise=noise)
                errors[f"{name}, noise {sigma:g}"] = float(found.mean())
    return outputs, errors


def measured(seeds: int, steps: int, source: str) -> tuple[Rows, dict[str, list[float]], dict[str, list[float]]]:
    """Scores by row and metric, one array a seed; seconds of processor time by row; flow-matching errors."""
    registry = load_registry()
    decoder: Any = build_conditioned(NANO_CONDITIONED, BuildRequest(weights="nano", source=source))
    rows: Rows = {}
    seconds: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for seed in range(seeds):
        sampled = Sampled(registry, decoder, seed, steps)
        outputs, missed = own_language(sampled)
        outputs |= {"round_trip": sampled.data.round_trip, "mean_picture": sampled.data.mean}
        for stream, positions in STREAMS:
            name = _row(stream, positions)
            outputs[name] = sampled.pictures(stream, positions)
            print(f"seed {seed}: {name} {sampled.cpu_s[name]:.1f} s", file=sys.stderr, flush=True)
        for name, output in outputs.items():
            scores = sampled.data.scores(output)
            for metric in METRICS:
                rows.setdefault(name, {}).setdefault(metric, []).append(scores[metric])
        for held, new in ((seconds, sampled.cpu_s), (errors, missed)):
            for name, value in new.items():
                held.setdefault(name, []).append(value)
    return rows, seconds, errors


def compared(rows: Rows) -> list[dict[str, Any]]:
    """Every pair in every metric: difference, p, and p under Holm."""
    found = []
    for better, worse in PAIRS:
        for metric in METRICS:
            sides = [np.concatenate(rows[name][metric]) for name in (better, worse)]
            difference, p_value = tested(*sides)
            apart = sides[0] - sides[1]
            groups = [str(index) for index in range(len(apart))]
            (mean,) = bootstrap_means(apart[:, None], resamples(groups))
            interval = None if mean.interval is None else [mean.interval.low, mean.interval.high]
            known = {"difference": difference, "interval": interval, "p": p_value}
            found.append({"better": better, "worse": worse, "metric": metric, **known})
    for line, value in zip(found, holm(np.array([line["p"] for line in found])), strict=True):
        line["p_holm"] = float(value)
    return found


def judged(rows: Rows, pairs: list[dict[str, Any]], seconds: dict[str, list[float]]) -> dict[str, bool]:
    """Every line of the criterion."""
    own = {line["metric"]: line for line in pairs if (line["better"], line["worse"]) == PAIRS[0]}
    psnr = {name: float(np.mean([block.mean() for block in rows[name]["psnr"]])) for name in rows}
    return {
        "oracle@scene beats its shuffled tokens in PSNR and decoded_iou": all(
            line["difference"] > 0 and line["p_holm"] <= ALPHA for line in own.values()
        ),
        f"by at least {LEAST_IOU} of decoded_iou": own["decoded_iou"]["difference"] >= LEAST_IOU,
        "and has at least the mean picture's PSNR": psnr["oracle@scene"] >= psnr["mean_picture"],
        f"in at most {MOST_CPU_S:g} s of processor time": max(seconds["oracle@scene"]) <= MOST_CPU_S,
    }


def main() -> int:
    """Print the figures; 1 where the transformer does not matter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=scale_of("smoke").steps)
    parser.add_argument("--source", metavar="DIR", default=OUTPUT, help="pipeline folder that training wrote")
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, seconds, errors = measured(options.seeds, options.steps, str(options.source))
    pairs = compared(rows)
    held = judged(rows, pairs, seconds)
    means = {
        name: {metric: [float(np.nanmean(block)) for block in blocks] for metric, blocks in found.items()}
        for name, found in rows.items()
    }
    training = json.loads((Path(options.source) / "transformer_training.json").read_text(encoding="utf-8"))
    entry = rounded(
        {
            "training": {key: training[key] for key in ("choices", "steps", "cpu_s", "wall_s", "losses", "sha256")},
            "adapter_steps": options.steps,
            "means_by_seed": means,
            "comparisons": pairs,
            "flow_matching_error": errors,
            "cpu_s": seconds,
            "criterion": held,
        }
    )
    print(json.dumps(entry, indent=1))
    for name, true in held.items():
        print(f"{'met' if true else 'NOT MET'}: {name}")
    if options.write:
        RESULT.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    return 0 if all(held.values()) else 1


def _row(stream: str, positions: bool) -> str:
    return stream if positions else f"{stream} unplaced"


if __name__ == "__main__":
    sys.exit(main())
