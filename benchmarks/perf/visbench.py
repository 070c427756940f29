"""The closest peer, VisBench, beside the harness: the same pictures, weights and forward; cold, cached, disk, memory.

    uv pip install --no-deps visbench==0.27.0    # MIT; its cap on Pillow is left aside
    foresight-bench weights fetch dinov2_small_saliency
    OMP_NUM_THREADS=1 python benchmarks/perf/visbench.py [--pictures 512] [--rounds 3] [--folder DIR] [--write]

Both get the tokens of ``dinov2_small_saliency@last`` (16 x 16 of 384 channels in float32) of PNG pictures of 224 px, as
a fit is fed in either: by ``FeatureCache.materialise`` and its reader there, by the splits and the extraction stage of
a run here; and read all of them once in order. Every turn is a process of its own with one thread, the two in turns:

- cold: nothing is there but pictures and the built encoder;
- cached: the same call once more;
- compacted: cached, after every entry of the peer was saved again without the rest of the batch that its file holds
  (0.27.0 saves views of a whole batch).

Processor seconds without imports and without building the encoder. What the decoder of pictures and the encoder's
forward take is timed within and taken off, in both: what is left is what a benchmark adds. Here that includes what the
peer does not do: prints of pictures that say which are one, labels, checks that features are finite, checksums, and two
pictures encoded again (``cached``, forward taken off like any).

Criteria, written before the first figure: medians over rounds; cold less forward and decoding at least 7 times cheaper
here, cached at least 10 times, compacted at least 10 times, disk at least 20 times. Disk counts all that lies in either
cache: here also the decoded pictures, there the memo of files.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ENCODER, TAP = "dinov2_small_saliency", "last"
SIDE_PX, BATCH = 224, 32
VERSION = "0.27.0"
ARMS, PHASES = ("ours", "peer"), ("cold", "cached", "compacted")
CRITERIA = {"cold_less": 7.0, "cached": 10.0, "compacted": 10.0, "disk": 20.0}
RECORD = Path(__file__).resolve().with_suffix(".json")


class Clock:
    """Processor seconds of calls that are taken off."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {"decode": 0.0, "forward": 0.0}

    def timing(self, kind: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return work(*arguments, **named)
            finally:
                self.seconds[kind] += time.process_time() - began

        return timed


def draw_pictures(folder: Path, count: int) -> None:
    """PNG pictures of noise on broad patches of colour: no two are alike. One folder, one class."""
    import numpy as np
    from PIL import Image

    (folder / "all").mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(count):
        broad = np.kron(random.integers(0, 200, (7, 7, 3)), np.ones((SIDE_PX // 7, SIDE_PX // 7, 1)))
        picture = (broad + random.integers(0, 50, (SIDE_PX, SIDE_PX, 3))).astype(np.uint8)
        Image.fromarray(picture).save(folder / "all" / f"{index:05d}.png")


def built_encoder(clock: Clock) -> tuple[Any, Any]:
    """Spec and encoder with its trained weights; every forward is timed."""
    from foresight_harness import BuildRequest
    from foresight_harness.planning.registry import load_registry

    spec = load_registry().encoder(ENCODER)
    encoder = spec.build(BuildRequest(weights="pretrained"))
    encoder.encode = clock.timing("forward", encoder.encode)
    return spec, encoder


def ours(pictures: Path, cache: Path, count: int) -> dict[str, Any]:
    """Splits and extraction of a run, read once."""
    from dataclasses import replace

    from foresight_harness.contracts.progress import silent
    from foresight_harness.measuring.extraction.splits import SPLITS
    from foresight_harness.measuring.workshop.workshop import Workshop
    from foresight_harness.parts.datasets.folder import PictureFolder
    from foresight_harness.planning.options import DatasetChoice, RunOptions, scale_of
    from foresight_harness.planning.registry import load_registry

    clock = Clock()
    spec, encoder = built_encoder(clock)
    sizes = replace(scale_of("smoke"), train=count, test=count, canvas_px=SIDE_PX)
    choice = DatasetChoice("folder", pictures)
    options = RunOptions(custom_scale=sizes, datasets=(choice,), cache=cache)
    workshop = Workshop(load_registry(), options, silent())
    spec = replace(spec, build=lambda request: encoder)
    PictureFolder.__getitem__ = clock.timing("decode", PictureFolder.__getitem__)  # type: ignore[method-assign]
    began, read = time.process_time(), 0
    for split in SPLITS:
        for block in workshop.extraction.grids(spec, TAP, workshop.splits.decoded(choice, split)):
            read += len(block)
    return told(began, clock, read, cache)


def peer(pictures: Path, cache: Path, count: int) -> dict[str, Any]:
    """VisBench's extraction to disk and its reader, read once."""
    import torch
    from torchvision.transforms.functional import pil_to_tensor
    from visbench.backbones.custom import CustomBackbone
    from visbench.cache.feature_cache import FeatureCache
    from visbench.data.image_folder import ImageFolderDataset

    clock = Clock()
    _, encoder = built_encoder(clock)

    def features(module: Any, images: Any) -> tuple[Any, None, tuple[int, int]]:
        tokens = encoder.encode(images[:, None], [TAP])[TAP].tokens[:, 0]
        return tokens.flatten(1, 2), None, (tokens.shape[1], tokens.shape[2])

    backbone = CustomBackbone(
        torch.nn.Linear(1, 1),
        lambda picture: pil_to_tensor(picture).float() / 255,
        feature_fn=features,
        weights_id=ENCODER,
        device="cpu",
    )
    backbone.preprocess = clock.timing("decode", backbone.preprocess)
    ImageFolderDataset.__getitem__ = clock.timing("decode", ImageFolderDataset.__getitem__)
    began = time.process_time()
    store = FeatureCache(cache)
    reader = store.materialise(backbone, ImageFolderDataset(pictures), batch_size=BATCH)
    read = 0
    for start in range(0, len(reader), BATCH):
        block = reader.collate([reader[index] for index in range(start, min(start + BATCH, len(reader)))])
        read += len(block)
    return told(began, clock, read, cache)


def told(began: float, clock: Clock, read: int, cache: Path) -> dict[str, Any]:
    """What one turn took."""
    whole = time.process_time() - began
    less = whole - sum(clock.seconds.values())
    files = [path.stat().st_size for path in cache.rglob("*") if path.is_file()]
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        **{"whole_s": whole, "less_s": less, **{f"{kind}_s": value for kind, value in clock.seconds.items()}},
        **{"read": read, "disk_mib": sum(files) / 2**20, "files": len(files), "peak_rss_mib": rss},
    }


def compact(cache: Path) -> None:
    """Save every entry of the peer again with its own tensors alone."""
    import torch

    for path in cache.rglob("*.pt"):
        entry = torch.load(path, weights_only=True)
        torch.save({name: value.clone() if hasattr(value, "clone") else value for name, value in entry.items()}, path)


def turn(arm: str, phase: str, folder: Path, count: int) -> dict[str, Any]:
    """One arm in a process of its own."""
    command = [sys.executable, __file__, "--arm", arm, "--phase", phase, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--pictures", str(count)], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    if done.returncode:
        sys.exit(f"{arm}, {phase}: exit {done.returncode}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["read"] != count:
        sys.exit(f"{arm}, {phase}: {found['read']} of {count} pictures were read")
    return found


def rounds_of(rounds: int, folder: Path, count: int) -> list[dict[str, dict[str, dict[str, Any]]]]:
    """Turns by round, phase and arm; the order of arms changes from round to round."""
    found = []
    for number in range(rounds):
        for arm in ARMS:
            shutil.rmtree(folder / arm, ignore_errors=True)
        told: dict[str, dict[str, dict[str, Any]]] = {}
        for phase in PHASES:
            if phase == "compacted":
                compact(folder / "peer")
            order: Sequence[str] = ARMS if number % 2 else ARMS[::-1]
            told[phase] = {arm: turn(arm, phase, folder, count) for arm in order}
            print(json.dumps({"round": number, "phase": phase, **told[phase]}), flush=True)
        found.append(told)
    return found


def judged(rounds: Sequence[dict[str, dict[str, dict[str, Any]]]]) -> dict[str, Any]:
    """Medians by phase and arm, and how many times cheaper this one is."""

    def middle(phase: str, arm: str, what: str) -> float:
        return statistics.median(one[phase][arm][what] for one in rounds)

    def times(phase: str, what: str) -> float:
        return round(middle(phase, "peer", what) / middle(phase, "ours", what), 2)

    kept = ("whole_s", "less_s", "decode_s", "forward_s", "disk_mib", "files", "peak_rss_mib")
    medians = {
        phase: {arm: {what: round(middle(phase, arm, what), 3) for what in kept} for arm in ARMS} for phase in PHASES
    }
    ratios = {
        **{"cold": times("cold", "whole_s"), "cold_less": times("cold", "less_s")},
        **{"cached": times("cached", "less_s"), "compacted": times("compacted", "less_s")},
        **{"disk": times("cold", "disk_mib"), "disk_compacted": times("compacted", "disk_mib")},
        **{"memory": times("cold", "peak_rss_mib")},
    }
    met = {name: ratios[name] >= least for name, least in CRITERIA.items()}
    return {"peer": f"visbench {VERSION}", "medians": medians, "times_cheaper": ratios, "criteria_met": met}


def main() -> int:
    """Measure, print, and with ``--write`` keep. Returns: 1 where a criterion is not met, 2 without the peer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="scratch; needs 25 MiB a picture for the peer's cache")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--phase", choices=PHASES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != RECORD.parent]  # this file has its name
    if asked.arm is not None:
        work = {"ours": ours, "peer": peer}[asked.arm]
        print(json.dumps(work(asked.folder / "pictures", asked.folder / asked.arm, asked.pictures)))
        return 0
    if importlib.util.find_spec("visbench") is None:
        print(f"visbench is not installed: uv pip install --no-deps visbench=={VERSION}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        folder = Path(scratch)
        draw_pictures(folder / "pictures", asked.pictures)
        found = {"pictures": asked.pictures, "rounds": asked.rounds} | judged(
            rounds_of(asked.rounds, folder, asked.pictures)
        )
    print(json.dumps(found, indent=1))
    if asked.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(found["criteria_met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
