"""Do the statistics raise alarms when nothing changed, and find what did? On real probe scores, then simulated ones.

    python benchmarks/studies/aa_power.py [--runs 100] [--pool 2500] [--seeds 24] [--encoders 3] [--threads 1] [--write]

Pictures of ``shapes`` are encoded by tiny real encoders; their tokens get noise with a new seed for every fit of the
primary probe (``dense_ridge``), on training and test pictures alike: a candidate with seeds. A *family* is every
(encoder, metric) pair of one comparison of base and head, three seeds each, on 500 pictures drawn afresh; an alarm is
any Holm-adjusted p at or below 0.05.

- A/A: base and head differ in seeds alone. Alarms may come in at most 5 % of families.
- Power: one encoder's head gets noise that was tuned until its true IoU, over the whole pool, is 0.03 lower. It must be
  found in at least 90 % of families.

Fails where one of the two does not hold. ``--write`` renews ``aa_power.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.metrics.boxes import centre_error, matched_iou, size_error
from foresight_harness.parts.probes import probe
from foresight_harness.parts.statistics import difference_over_seeds, holm, paired_differences
from foresight_harness.planning.registry import load_registry
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

ENCODERS = ("llava_next_tiny@post_projector", "mae_tiny@last", "dinov2_tiny@last")
METRICS = {"iou": matched_iou, "centre_error": centre_error, "size_error": size_error}
TRAIN, PICTURES, CANVAS_PX = 256, 500, 128
SEEDS_A_SIDE = 3
NOISE = 0.1
"""Of the spread of each channel: what a new seed changes."""
DROP, ALPHA = 0.03, 0.05
FALSE_ALARMS, POWER = 0.05, 0.90
RESULT = Path(__file__).with_suffix(".json")


class Pool:
    """Tokens of every encoder over training pictures and a pool of test pictures."""

    def __init__(self, names: Sequence[str], size: int) -> None:
        registry = load_registry()
        self.labels: dict[str, Labels] = {}
        self.tokens: dict[tuple[str, str], Tensor] = {}
        encoders = {name: registry.encoder(name.partition("@")[0]) for name in names}
        built = {name: spec.build(BuildRequest(weights="random")) for name, spec in encoders.items()}
        for split, count in (("train", TRAIN), ("test", size)):
            request = DataRequest(split, count=count, canvas_px=CANVAS_PX)  # type: ignore[arg-type]
            dataset = registry.dataset("shapes").build(request)
            self.labels[split] = labels_of(dataset)
            clips = [dataset[index].clip for index in range(count)]
            for name, encoder in built.items():
                tap = name.partition("@")[2]
                with torch.inference_mode():
                    blocks = [
                        encoder.encode(torch.stack(clips[start : start + 64]), [tap])[tap].tokens.float()
                        for start in range(0, count, 64)
                    ]
                self.tokens[name, split] = torch.cat(blocks)

    def scores(self, name: str, noise: float, seed: int) -> dict[str, Floats]:
        """Per-picture scores of the primary probe on noisy tokens. [pool] each"""
        spread = self.tokens[name, "train"].flatten(0, 3).std(0)
        random = torch.Generator().manual_seed(seed)

        def noisy(split: str) -> TensorBatches:
            clean = self.tokens[name, split]
            return TensorBatches(clean + noise * spread * torch.randn(clean.shape, generator=random))

        reader = probe("dense_ridge")
        reader.fit(noisy("train"), self.labels["train"], seed)
        counts = self.labels["test"].object_counts()
        found = [one.boxes[:count] for one, count in zip(reader.predict(noisy("test"), counts), counts, strict=True)]
        truth = list(self.labels["test"].boxes)
        return {metric: score(found, truth).double().numpy() for metric, score in METRICS.items()}


def seeded(pool: Pool, name: str, noise: float, first_seed: int, seeds: int) -> dict[str, Floats]:
    """Scores under that many noise seeds. [seeds, pool] each"""
    rows = [pool.scores(name, noise, first_seed + seed) for seed in range(seeds)]
    return {metric: np.stack([row[metric] for row in rows]) for metric in METRICS}


def tuned_noise(pool: Pool, name: str, base: float) -> float:
    """The noise under which the true IoU, over the pool and one seed, lies 0.03 below ``base``."""
    low, high = NOISE, 1.5
    for _ in range(6):
        middle = (low + high) / 2
        drop = base - float(seeded(pool, name, middle, 5000, 1)["iou"].mean())
        low, high = (middle, high) if drop < DROP else (low, middle)
    return (low + high) / 2


def family(random: np.random.Generator, base: list[dict[str, Floats]], head: list[dict[str, Floats]]) -> Floats:
    """Holm-adjusted p of one comparison: fresh pictures, three seeds a side that no other side has."""
    seeds, size = base[0]["iou"].shape
    chosen = random.choice(size, PICTURES, replace=False)
    groups = [str(index) for index in range(PICTURES)]
    p_values = []
    for first, second in zip(base, head, strict=True):
        own = random.permutation(seeds)
        ours, theirs = own[:SEEDS_A_SIDE], own[SEEDS_A_SIDE : 2 * SEEDS_A_SIDE]
        for metric in METRICS:
            sides = first[metric][np.ix_(ours, chosen)], second[metric][np.ix_(theirs, chosen)]
            p_values.append(difference_over_seeds(*sides, groups).p_value)
    return holm(p_values)


def single_fits(random: np.random.Generator, base: list[dict[str, Floats]], head: list[dict[str, Floats]]) -> Floats:
    """The same with one fit a side and sign flips over pictures: what seeds do where they are not asked."""
    seeds, size = base[0]["iou"].shape
    chosen = random.choice(size, PICTURES, replace=False)
    groups = [str(index) for index in range(PICTURES)]
    columns: list[list[Floats]] = [[], []]
    for first, second in zip(base, head, strict=True):
        ours, theirs = random.permutation(seeds)[:2]
        for metric in METRICS:
            columns[0].append(first[metric][ours, chosen])
            columns[1].append(second[metric][theirs, chosen])
    found = paired_differences(np.stack(columns[0], axis=1), np.stack(columns[1], axis=1), groups)
    return holm([one.p_value for one in found])


def share(runs: int, work: Callable[[np.random.Generator], bool]) -> float:
    """How often it is true over independent runs."""
    return float(np.mean([work(np.random.default_rng([17, run])) for run in range(runs)]))


def on_real_scores(runs: int, names: Sequence[str], size: int, seeds: int) -> dict[str, float]:
    """A/A and power on scores of the primary probe."""
    pool = Pool(names, size)
    _say(f"encoded {TRAIN + size} pictures by {len(names)} encoders")
    base = [seeded(pool, name, NOISE, 1000, seeds) for name in names]
    _say(f"read {len(names)} candidates with {seeds} seeds")
    noise = tuned_noise(pool, names[0], float(base[0]["iou"].mean()))
    worse = [seeded(pool, names[0], noise, 2000, seeds), *base[1:]]
    _say(f"noise {noise:.3f} costs {base[0]['iou'].mean() - worse[0]['iou'].mean():.4f} IoU; comparing {runs} families")
    clean = pool.scores(names[0], 0.0, 0)["iou"]
    means = base[0]["iou"].mean(axis=1)

    def closed_form(random: np.random.Generator) -> bool:
        """A deterministic candidate: the others are identical, so the family is the one test, flipped for all nine."""
        chosen = random.choice(size, PICTURES, replace=False)
        head = worse[0]["iou"][int(random.integers(seeds)), chosen]
        groups = [str(index) for index in range(PICTURES)]
        tests = len(names) * len(METRICS)
        found = paired_differences(clean[chosen, None], head[:, None], groups, tests=tests)[0]
        return found.p_value is not None and found.p_value * tests <= ALPHA and found.difference > 0

    def one_fit_finds(random: np.random.Generator) -> bool:
        return bool(single_fits(random, base, worse)[0] <= ALPHA)

    return {
        "families": runs,
        "tests_a_family": len(names) * len(METRICS),
        "pool": size,
        "seeds": seeds,
        "iou": float(base[0]["iou"].mean()),
        "seed_sd_of_mean_iou": float(means.std(ddof=1)),
        "true_drop": float(base[0]["iou"].mean() - worse[0]["iou"].mean()),
        "noise_base": NOISE,
        "noise_head": noise,
        "false_alarms_seeds_counted": share(runs, lambda random: bool((family(random, base, base) <= ALPHA).any())),
        "false_alarms_one_fit_sign_flips": share(
            runs, lambda random: bool((single_fits(random, base, base) <= ALPHA).any())
        ),
        "power_seeds_counted": share(runs, lambda random: bool(family(random, base, worse)[0] <= ALPHA)),
        "power_one_fit_sign_flips": share(runs, one_fit_finds),
        "power_closed_form": share(runs, closed_form),
    }


def simulated(runs: int, tests: int = 30, spread: float = 0.22, correlation: float = 0.9) -> dict[str, float]:
    """Sign flips with Holm on Gaussian scores of which base and head share their pictures' difficulty."""

    def p_values(random: np.random.Generator, drop: float) -> Floats:
        difficulty = random.normal(0.5, spread * np.sqrt(correlation), (PICTURES, 1))
        base, head = (
            difficulty + random.normal(0, spread * np.sqrt(1 - correlation), (PICTURES, tests)) for _ in range(2)
        )
        head[:, 0] -= drop
        found = paired_differences(base, head, [str(index) for index in range(PICTURES)])
        return holm([one.p_value for one in found])

    return {
        "families": runs,
        "tests_a_family": tests,
        "spread": spread,
        "correlation": correlation,
        "false_alarms_sign_flips": share(runs, lambda random: bool((p_values(random, 0.0) <= ALPHA).any())),
        "power_sign_flips": share(runs, lambda random: bool(p_values(random, DROP)[0] <= ALPHA)),
    }


def _say(line: str) -> None:
    """Progress, beside the figures."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Print the figures; 1 where one misses its aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="families of each kind")
    parser.add_argument("--pool", type=int, default=2500, help="test pictures that families draw 500 from")
    parser.add_argument("--seeds", type=int, default=24, help="fits of each candidate that families draw three from")
    parser.add_argument("--encoders", type=int, default=3, help="candidates of a family, of three")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    gaussian = simulated(options.runs)
    _say(f"simulated: {json.dumps(gaussian)}")
    names = ENCODERS[: options.encoders]
    found = {"real": on_real_scores(options.runs, names, options.pool, options.seeds), "simulated": gaussian}
    real = found["real"]
    aims = {
        "false alarms, seeds counted": real["false_alarms_seeds_counted"] <= FALSE_ALARMS,
        "false alarms, simulated": gaussian["false_alarms_sign_flips"] <= FALSE_ALARMS,
        "power, seeds counted": real["power_seeds_counted"] >= POWER,
        "power, closed form": real["power_closed_form"] >= POWER,
        "power, simulated": gaussian["power_sign_flips"] >= POWER,
    }
    text = json.dumps(found, indent=1)
    print(text)
    for name, held in aims.items():
        print(f"{'met' if held else 'NOT MET'}: {name}")
    if options.write:
        RESULT.write_text(text + "\n", encoding="utf-8")
    return 0 if all(aims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
