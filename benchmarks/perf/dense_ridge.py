"""How long the primary probe takes to fit: 512 pictures, 256 tokens, 768 channels.

Usage: ``python benchmarks/perf/dense_ridge.py [--threads N] [--runs N]``. Prints wall and processor time of each fit;
fails if the fastest takes a second of wall time or more. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.probes import probe

PICTURES, SIDE, WIDTH = 512, 16, 768
MOST_S = 1.0


def main() -> int:
    """Fit, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    labels = labels_of(Shapes(DataRequest("train", PICTURES, canvas_px=128)))
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(PICTURES, 1, SIDE, SIDE, WIDTH, generator=generator)
    tokens[..., :1] += labels.coverage(SIDE, SIDE)[..., None]
    features = TensorBatches(tokens)
    walls = []
    for _ in range(options.runs):
        wall, cpu = time.perf_counter(), time.process_time()
        probe("dense_ridge").fit(features, labels, seed=0)
        walls.append(time.perf_counter() - wall)
        print(f"fit: {walls[-1]:.2f} s wall, {time.process_time() - cpu:.2f} s processor, {options.threads} threads")
    return 0 if min(walls) < MOST_S else 1


if __name__ == "__main__":
    sys.exit(main())
