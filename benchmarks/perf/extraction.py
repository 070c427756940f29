"""What does extraction cost over the bare model's forward? Published sizes, random weights, 224 px, one run.

    python benchmarks/perf/extraction.py [--rounds 9] [--threads 1]

For ``dinov2_base`` and the Qwen2.5-VL tower cut to 8 blocks: the bare forward on prepared inputs, ``encode`` on clips
at the same depth, and the whole stage (clips read from the store, features checked, cached and read back).
They run in turns, so that drift falls on all, and each ratio is the median over rounds. Processor time, because wall
time on a busy machine says little. Fails above the budget.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.progress import silent
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.measuring.extraction import DecodedSplit, EncoderPool, Extraction
from foresight_harness.planning.registry import load_registry
from foresight_harness.protocols import Encoder

Work = Callable[[], object]
PICTURES, SIDE_PX = 8, 224
QWEN_BLOCKS = 8
BUDGET = 1.05
REQUEST = BuildRequest(weights="random")


def medians(works: Mapping[str, Work], rounds: int) -> dict[str, tuple[float, float]]:
    """Median processor seconds of each piece of work, and the median of its ratios to the first, round by round."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds):
        for name in list(works) if turn % 2 else reversed(list(works)):
            began = time.process_time()
            works[name]()
            times[name].append(time.process_time() - began)
    first = next(iter(times.values()))
    ratios = {name: [one / bare for one, bare in zip(found, first, strict=True)] for name, found in times.items()}
    return {name: (statistics.median(found), statistics.median(ratios[name])) for name, found in times.items()}


class Stage:
    """The extraction stage over one stored split; each call extracts anew."""

    def __init__(self, spec: EncoderSpec, encoder: Encoder, tap: str, folder: Path) -> None:
        store = ArrayStore(folder)
        with store.writer("clips", {}) as writer:
            writer.add(torch.randint(0, 256, (PICTURES, 1, 3, SIDE_PX, SIDE_PX), dtype=torch.uint8))
        clips = store.open("clips")
        assert clips is not None  # just written
        ids = tuple(f"picture-{index}" for index in range(PICTURES))
        empty = torch.zeros(PICTURES, 1, SIDE_PX, SIDE_PX, dtype=torch.bool)
        self._split = DecodedSplit("noise", "test", "0", Labels(ids, ids, [torch.zeros(0, 4)] * PICTURES, empty), clips)
        self._spec, self._tap, self._calls = replace(spec, build=lambda request: encoder), tap, 0
        pool = EncoderPool(lambda spec: REQUEST)
        self._extraction = Extraction(load_registry(), store, pool, lambda spec: REQUEST, silent())

    def __call__(self) -> object:
        self._calls += 1
        split = replace(self._split, fingerprint=str(self._calls))
        return list(self._extraction.grids(self._spec, self._tap, split))


def dinov2_base(folder: Path) -> tuple[str, dict[str, Work]]:
    """Against the library's own model of the same configuration, on pixels that are ready."""
    from transformers.models.dinov2.configuration_dinov2 import Dinov2Config
    from transformers.models.dinov2.modeling_dinov2 import Dinov2Model

    spec = load_registry().encoder("dinov2_base")
    encoder = spec.build(REQUEST)
    config = Dinov2Config(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, image_size=518)
    model = Dinov2Model(config).eval()
    clips, pixels = torch.rand(PICTURES, 1, 3, SIDE_PX, SIDE_PX), torch.rand(PICTURES, 3, SIDE_PX, SIDE_PX)
    works = {
        "bare": lambda: model(pixels),
        "encode": lambda: encoder.encode(clips, ["last"]),
        "stage": Stage(spec, encoder, "last", folder / spec.name),
    }
    return "dinov2_base@last", works


def qwen_tower(folder: Path) -> tuple[str, dict[str, Work]]:
    """Against the same tower, cut to 8 blocks, on the patches that ``encode`` made; both run to the merger's end."""
    spec = load_registry().encoder("qwen2_5_vl_7b")
    encoder = spec.build(REQUEST)
    tower = encoder.tower  # type: ignore[attr-defined]
    tower.blocks = tower.blocks[:QWEN_BLOCKS]
    clips = torch.rand(PICTURES, 1, 3, SIDE_PX, SIDE_PX)
    seen: list[tuple[tuple[object, ...], dict[str, object]]] = []
    handle = tower.register_forward_pre_hook(lambda _, args, named: seen.append((args, named)), with_kwargs=True)
    encoder.encode(clips, ["post_merge"])
    handle.remove()
    args, named = seen[0]
    works = {
        "bare": lambda: tower(*args, **named),
        "encode": lambda: encoder.encode(clips, ["post_merge"]),
        "stage": Stage(spec, encoder, "post_merge", folder / spec.name),
    }
    return f"qwen2_5_vl_7b, {QWEN_BLOCKS} blocks @post_merge", works


def main() -> int:
    """Time both. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for prepare in (dinov2_base, qwen_tower):
            title, works = prepare(Path(folder))
            for name, (seconds, ratio) in medians(works, options.rounds).items():
                worst = max(worst, ratio)
                print(f"{title}: {name:6} {1000 * seconds / PICTURES:6.1f} ms a picture, {ratio:.3f} of bare")
    print(f"budget {BUDGET}: {'kept' if worst <= BUDGET else 'exceeded'} ({options.rounds} rounds)")
    return int(worst > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
