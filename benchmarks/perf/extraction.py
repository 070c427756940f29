"""What does extraction cost over the bare model's forward? Published sizes, random weights, 224 px, one run.

    python benchmarks/perf/extraction.py [--rounds 7] [--threads 2]

For ``dinov2_base`` and the Qwen2.5-VL tower cut to 8 blocks: median seconds of the bare forward on prepared inputs, of
``encode`` on clips at the same depth, and the ratio. Pairs are timed in turn, so that drift falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from foresight_harness import BuildRequest
from foresight_harness.registry import load_registry

BATCH = 4
QWEN_BLOCKS = 8


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def paired(bare: Callable[[], object], full: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Median seconds of both and the median of the ratios, pair by pair."""
    bare(), full()
    pairs = [(seconds(bare), seconds(full)) for _ in range(rounds)]
    ratio = statistics.median(after / before for before, after in pairs)
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs), ratio


def dinov2_base(rounds: int) -> None:
    """Against the library's own model of the same configuration, on pixels that are ready."""
    from transformers.models.dinov2.configuration_dinov2 import Dinov2Config
    from transformers.models.dinov2.modeling_dinov2 import Dinov2Model

    spec = load_registry().encoder("dinov2_base")
    encoder = spec.build(BuildRequest(weights="random"))
    model = Dinov2Model(
        Dinov2Config(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, image_size=518)
    ).eval()
    clips, pixels = torch.rand(BATCH, 1, 3, 224, 224), torch.rand(BATCH, 3, 224, 224)
    report("dinov2_base@last", lambda: model(pixels), lambda: encoder.encode(clips, ["last"]), rounds)


def qwen_tower(rounds: int) -> None:
    """Against the same tower, cut to 8 blocks, on the patches that ``encode`` made."""
    encoder = load_registry().encoder("qwen2_5_vl_7b").build(BuildRequest(weights="random"))
    tower = encoder.tower  # type: ignore[attr-defined]
    tower.blocks = tower.blocks[:QWEN_BLOCKS]
    clips = torch.rand(BATCH, 1, 3, 224, 224)
    tap = f"block.{QWEN_BLOCKS - 1:02d}"
    seen: list[tuple[tuple[object, ...], dict[str, object]]] = []
    handle = tower.register_forward_pre_hook(lambda _, args, named: seen.append((args, named)), with_kwargs=True)
    with torch.inference_mode():
        encoder.encode(clips, [tap])
    handle.remove()
    args, named = seen[0]
    report(f"qwen2_5_vl_7b@{tap}", lambda: tower(*args, **named), lambda: encoder.encode(clips, [tap]), rounds)


def report(name: str, bare: Callable[[], object], full: Callable[[], object], rounds: int) -> None:
    """Print one row."""
    with torch.inference_mode():
        before, after, ratio = paired(bare, full, rounds)
    print(f"{name}: bare {before:.3f} s, encode {after:.3f} s, ratio {ratio:.3f} (batch {BATCH}, 224 px)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    dinov2_base(options.rounds)
    qwen_tower(options.rounds)


if __name__ == "__main__":
    main()
