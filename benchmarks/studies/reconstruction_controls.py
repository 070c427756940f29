"""Do controls that know where things are rebuild pictures better than those that do not? Smoke sizes, several seeds.

    python benchmarks/studies/reconstruction_controls.py [--seeds 3] [--write]

For every seed pictures of ``shapes`` are drawn afresh, tokens are shuffled with that seed, and every control is read
through the closed-form adapter into the latents of ``ltx_video_nano`` (128 training pictures, 8 decoded test pictures,
canvas 128 px: what ``--scale smoke`` does). Each control that knows places is compared with its own shuffled tokens,
which hold the same information without its place, and with ``constant``; p is that of exact sign flips over the
pictures of all seeds, Holm-adjusted over all comparisons, and of one seed alone. Also read: both from the mean token
of each latent cell (decoder ``averaged:...``), and the mask without colours.

Fails where one comparison of the first adapter is not significant, or two seeds rank the controls differently.
``--write`` renews ``reconstruction_controls.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.measuring.fitting.adapters import decode_latents, fit_linear
from foresight_harness.parts.datasets.scenes import painted
from foresight_harness.parts.statistics import holm, paired_differences
from foresight_harness.planning.options.scale import scale_of
from foresight_harness.planning.registry import Registry, load_registry
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

CONTROLS = ("pixels@patch", "oracle@scene", "shuffled:pixels@patch", "shuffled:oracle@scene", "constant@patch")
RANKED = ("pixels@patch", "oracle@scene", "shuffled:pixels@patch", "constant@patch")
"""The four controls. The oracle's tokens, shuffled, know what shuffled pixels know, the picture's mean colour: which of
these two is ahead is chance."""
MASK_ALONE = ("oracle@mask", "shuffled:oracle@mask")
AVERAGED = ("pixels@patch", "oracle@scene")
"""Also read from the mean token of each latent cell."""
REFERENCES = True
"""Whether the round trip and the mean picture are scored too."""
METRICS = {"psnr": 1, "decoded_iou": 1, "edge_f1": 1}
"""With the sign that better has."""
RANKED_BY = "psnr"
TESTS = 2 * 2 * len(METRICS)
"""Two controls that know places, each against its shuffled tokens and the constant."""
ALPHA = 0.05
RESULT = Path(__file__).with_suffix(".json")


class Data:
    """Pictures, masks and latents of one seed at smoke scale."""

    def __init__(self, registry: Registry, decoder: Any, seed: int) -> None:
        sizes = scale_of("smoke")
        self.registry, self.decoder, self.seed = registry, decoder, seed
        self.clips: dict[str, Tensor] = {}
        self.foreground: dict[str, Tensor] = {}
        for split, count in (("train", sizes.train), ("test", sizes.pictures)):
            request = DataRequest(split, count=count, canvas_px=sizes.canvas_px, seed=seed)  # type: ignore[arg-type]
            dataset = registry.dataset("shapes").build(request)
            samples = [dataset[index] for index in range(count)]
            self.clips[split] = torch.stack([sample.clip for sample in samples])
            self.foreground[split] = torch.stack([sample.masks.any(dim=1) for sample in samples])
        self.masks = [sample.masks for sample in samples]
        with torch.inference_mode():
            self.latents = torch.cat([decoder.encode(block) for block in self.clips["train"].split(32)])
            self.round_trip = decoder.decode(decoder.encode(self.clips["test"]))
        self.mean = self.clips["train"].mean(0, keepdim=True).expand_as(self.clips["test"])

    def tokens(self, stream: str, split: str) -> Tensor:
        """Grids of a control. [B, 1, H, W, C]"""
        name, _, tap = stream.partition("@")
        family, _, base = name.rpartition(":")
        spec = self.registry.encoder(base)
        clips = self.clips[split]
        read = painted(clips, self.foreground[split]) if spec.inputs == "masks" else clips
        tokens = spec.build(BuildRequest()).encode(read, [tap])[tap].tokens
        if not family:
            return tokens
        return self.registry.encoder(name).build(BuildRequest(seed=self.seed)).encode(tokens, [tap])[tap].tokens

    def rebuilt(self, stream: str, cells: str) -> Tensor:
        """Test pictures decoded from a control. [n, 1, 3, H_px, W_px]"""
        latents = TensorBatches(self.latents)
        size = (latents.shape.frames, latents.shape.rows, latents.shape.cols)
        adapter = fit_linear(TensorBatches(self.tokens(stream, "train")), latents, cells)
        with torch.inference_mode():
            return self.decoder.decode(decode_latents(adapter, self.tokens(stream, "test"), size))

    def scores(self, output: Tensor) -> dict[str, Floats]:
        """Per picture. [n] each"""
        found = {}
        for name in METRICS:
            spec = self.registry.metrics[name]
            target = self.clips["test"]
            found[name] = spec.build()(output, (target, self.masks) if spec.compares == "objects" else target).numpy()
        return found


def measured(seeds: int) -> dict[str, dict[str, list[Floats]]]:
    """Scores by row and metric, one array a seed; rows of the second adapter end in ``averaged``."""
    registry = load_registry()
    decoder = registry.decoder("ltx_video_nano").build(BuildRequest(weights="nano"))
    rows: dict[str, dict[str, list[Floats]]] = {}
    for seed in range(seeds):
        data = Data(registry, decoder, seed)
        outputs = {"round_trip": data.round_trip, "mean_picture": data.mean} if REFERENCES else {}
        rebuilt = [(stream, "gathered") for stream in (*CONTROLS, *MASK_ALONE)]
        for stream, cells in (*rebuilt, *((stream, "averaged") for stream in AVERAGED)):
            outputs[f"{stream} {cells}"] = data.rebuilt(stream, cells)
            print(f"seed {seed}: {stream} {cells}", file=sys.stderr, flush=True)
        for name, output in outputs.items():
            for metric, values in data.scores(output).items():
                rows.setdefault(name, {}).setdefault(metric, []).append(values)
    return rows


def compared(rows: dict[str, dict[str, list[Floats]]]) -> list[dict[str, Any]]:
    """Every control that knows places against its own shuffled tokens and against ``constant``."""
    knowing = [*CONTROLS[:2], *MASK_ALONE[:1]]
    pairs = [(one, other) for one in knowing for other in (f"shuffled:{one}", "constant@patch")]
    found = []
    for better, worse in pairs:
        for metric, sign in METRICS.items():
            sides = [
                [sign * block for block in rows[name][metric]] for name in (f"{better} gathered", f"{worse} gathered")
            ]
            # NaN: a picture whose objects are too small to be looked for; the same in both columns
            each = [tested(first, second) for first, second in zip(*sides, strict=True)]
            difference, p_value = tested(*(np.concatenate(side) for side in sides))
            found.append(
                {
                    "better": better,
                    "worse": worse,
                    "metric": metric,
                    "difference": difference,
                    "p": p_value,
                    "by_seed": [{"difference": one, "p": p} for one, p in each],
                }
            )
    counted = [line for line in found if not line["better"].startswith(MASK_ALONE[0])]
    for line, value in zip(counted, holm(np.array([line["p"] for line in counted])), strict=True):
        line["p_holm"] = float(value)
    return found


def tested(better: Floats, worse: Floats) -> tuple[float, float]:
    """Mean difference over pictures, and its two-sided p under sign flips."""
    known = np.isfinite(better) & np.isfinite(worse)
    groups = [str(index) for index in range(int(known.sum()))]
    found = paired_differences(worse[known, None], better[known, None], groups, tests=TESTS)[0]
    return float((better[known] - worse[known]).mean()), float(1.0 if found.p_value is None else found.p_value)


def ranking(rows: dict[str, dict[str, list[Floats]]], seed: int) -> list[str]:
    """Controls from best to worst under one seed."""
    means = {name: float(np.nanmean(rows[f"{name} gathered"][RANKED_BY][seed])) for name in RANKED}
    return sorted(means, key=lambda name: -means[name])


def main() -> int:
    """Print the figures; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = measured(options.seeds)
    pairs = compared(rows)
    rankings = [ranking(rows, seed) for seed in range(options.seeds)]
    means = {
        name: {metric: [round(float(np.nanmean(block)), 4) for block in blocks] for metric, blocks in found.items()}
        for name, found in rows.items()
    }
    text = json.dumps(rounded({"means_by_seed": means, "comparisons": pairs, "rankings": rankings}), indent=1)
    print(text)
    held = {
        "every control that knows places beats its own shuffled tokens and the constant": all(
            line["difference"] > 0 and line["p_holm"] <= ALPHA for line in pairs if "p_holm" in line
        ),
        "the ranking is that of every seed": len({tuple(order) for order in rankings}) == 1,
    }
    for name, true in held.items():
        print(f"{'met' if true else 'NOT MET'}: {name}")
    if options.write:
        RESULT.write_text(text + "\n", encoding="utf-8")
    return 0 if all(held.values()) else 1


def rounded(value: Any) -> Any:
    """Every number to four digits, however deep."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
