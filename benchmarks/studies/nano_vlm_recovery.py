"""What gives places back to a nano VLM that was trained to say *what*, and how much of the way to *where*?

    python benchmarks/studies/nano_vlm_recovery.py --twins DIR --work DIR [--seed N ...] [--write]

``DIR/what-N`` and ``DIR/where-N`` are folders that ``train_nano`` wrote. The matrix ``nano_recovery`` is scored by the
harness itself, once a seed; what is scored already is not scored again. Criteria, written before the first figure, and
how each is measured stand in ``docs/nano-vlms.md``. ``--write`` renews ``nano_vlm_recovery.json`` beside this file.
Needs ``foresight-bench weights fetch dinov2_small_saliency``; about three minutes of one core a seed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from foresight_harness import score
from foresight_harness.parts.statistics import holm
from foresight_harness.parts.statistics.paired import paired_difference
from foresight_harness.planning.options import scale_of
from foresight_harness.planning.registry import Registry, load_registry
from foresight_qwen2_5_vl import spec_of
from foresight_qwen2_5_vl.presets import NANO

Floats = npt.NDArray[np.float64]
LAST, WHERE = "what@llm.04", "where@llm.04"
WAYS: Mapping[str, str] = {
    "pre-merge": "what@pre_merge",
    "concatenation": "what@pre_merge+what@llm.04/concat",
    "hybrid, random": "dinov2_tiny@last+what@llm.04/concat",
    "hybrid, trained": "dinov2_small_saliency@block.05+what@llm.04/concat",
    "SEM": "what@llm.04/sem",
}
GIVES, REACHES, ALPHA, SEEDS, RESAMPLES = 0.10, -0.03, 0.05, 3, 20_000
RESULT = Path(__file__).with_suffix(".json")


def registry_of(twins: Path, seed: int) -> Registry:
    """Everything on offer, with the twins of one seed of training in place of those that the plugin carries."""
    own = {}
    for preset in NANO:
        folder = twins / f"{preset.name.rpartition('_')[2]}-{seed}"
        if folder.is_dir():
            own[preset.name] = spec_of(replace(preset, repo=str(folder.resolve())))
    found = load_registry()
    return replace(found, encoders={**found.encoders, **own})


def measured(twins: Path, seed: int, work: Path) -> dict[str, Floats]:
    """IoU of each test picture by short name of candidate, seeds of fits averaged. Scored once, then kept."""
    kept = work / f"seed-{seed}.npz"
    if not kept.exists():
        sizes = replace(
            scale_of("smoke"), name="nano_study", train=600, test=500, canvas_px=128, steps=200, batch=64, seeds=3
        )
        run = score(
            matrix="nano_recovery",
            suite="spatial",
            dataset="shapes",
            sizes=sizes,
            registry=registry_of(twins, seed),
            out=str(work / "runs"),
            feature_cache=str(work / "cache"),
            no_twins=True,
        )
        if run.failures:
            raise SystemExit(f"{run.failures[0].candidate} failed: {run.failures[0].error}")
        table = run.samples(metric="iou", suite="spatial").groupby(["candidate", "sample"]).value.mean()
        rows = {short(name): table[name].sort_index().to_numpy() for name in table.index.unique("candidate")}
        np.savez_compressed(kept, **rows)
    return {name: np.asarray(values) for name, values in np.load(kept).items()}


def short(candidate: str) -> str:
    """A candidate as the page calls it: streams without the family's name, then what is not the default."""
    streams, enhancer, fusion, _ = candidate.split("/")
    tail = [part for part in (enhancer, fusion) if part not in ("identity", "single")]
    return "/".join([streams.replace("qwen2_5_vl_nano_", ""), *tail])


def share_of(way: Floats, low: Floats, high: Floats, *, tests: int, seed: int = 0) -> list[float]:
    """How much of the way from ``low`` to ``high`` a candidate goes, with its interval: value, low end, high end.

    Args:
        way: Scores of the candidate. [N]
        low: Where the way begins, on the same pictures. [N]
        high: Where it ends. [N]
        tests: Intervals that are to hold together at 95 %.
        seed: Of the resamples.
    """
    drawn = np.random.default_rng(seed).integers(len(way), size=(RESAMPLES, len(way)))
    means = [values[drawn].mean(axis=1) for values in (way, low, high)]
    shares = (means[0] - means[1]) / (means[2] - means[1])
    ends = np.quantile(shares, [ALPHA / 2 / tests, 1 - ALPHA / 2 / tests])
    return [float((way.mean() - low.mean()) / (high.mean() - low.mean())), *map(float, ends)]


def judged(found: Mapping[int, Mapping[str, Floats]]) -> dict[str, Any]:
    """Rows of every seed, and what the criteria say of each candidate. ``found``: seed -> short name -> IoU. [N]"""
    keys = [(way, seed) for way in WAYS for seed in found]
    tests = len(WAYS) * max(SEEDS, len(found))
    rows: dict[str, dict[str, Any]] = {way: {} for way in WAYS}
    p_values = []
    for way, seed in keys:
        scores = found[seed]
        value, low, high = scores[WAYS[way]], scores[LAST], scores[WHERE]
        groups = [str(picture) for picture in range(len(value))]
        pair = paired_difference(value, low, groups, tests=tests)
        p_values.append(pair.p_value)
        rows[way][str(seed)] = {
            "iou": float(value.mean()),
            "over_what": pair.difference,
            "over_where": float((value - high).mean()),
            "share": share_of(value, low, high, tests=tests),
        }
    for (way, seed), p in zip(keys, holm(p_values), strict=True):
        rows[way][str(seed)]["holm"] = float(p)
    whole = len(found) >= SEEDS
    return {
        "rows": rows,
        "beside": {
            str(seed): {name: float(values.mean()) for name, values in sorted(scores.items())}
            for seed, scores in found.items()
        },
        "verdicts": {way: _verdict(list(of_seeds.values()), whole) for way, of_seeds in rows.items()},
    }


def _verdict(rows: list[dict[str, Any]], whole: bool) -> dict[str, bool | None]:
    """None where fewer seeds were measured than promised and none of them misses."""
    gives = all(row["over_what"] >= GIVES and row["holm"] < ALPHA for row in rows)
    reaches = all(row["over_where"] >= REACHES for row in rows)
    return {
        name: (True if whole else None) if held else False for name, held in (("gives", gives), ("reaches", reaches))
    }


def main() -> int:
    """Measure and judge; print one line a candidate and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--twins", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for runs, features and scores")
    parser.add_argument("--seed", type=int, nargs="+", default=list(range(SEEDS)))
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.work.mkdir(parents=True, exist_ok=True)
    content = judged({seed: measured(asked.twins, seed, asked.work) for seed in asked.seed})
    for way, of_seeds in content["rows"].items():
        for seed, row in of_seeds.items():
            share = "{:.2f} [{:.2f}, {:.2f}]".format(*row["share"])
            print(f"{way}, seed {seed}: IoU {row['iou']:.3f}, share {share}, p {row['holm']:.4f}")
        print(f"{way}: {content['verdicts'][way]}")
    if asked.write:
        RESULT.write_text(json.dumps(_rounded(content), indent=1) + "\n", encoding="utf-8")
    return 0


def _rounded(content: Any) -> Any:
    if isinstance(content, float):
        return round(content, 4)
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    return [_rounded(value) for value in content] if isinstance(content, list) else content


if __name__ == "__main__":
    sys.exit(main())
