"""Writes run folders to test with: a smoke-like one, and one with any number of candidates. Real parquet, real WebP."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from make_analyses import write_analyses
from make_media import write_media
from run_plans import METRICS, PROBES, REFERENCES, SMOKE, Plan, digest, many


def make_run(folder: Path, plan: Plan = SMOKE) -> Path:
    """Write a whole run folder and give its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples").mkdir(exist_ok=True)
    rows = list(_candidates(plan))
    lines: list[dict[str, Any]] = []
    cells = 0
    values: dict[tuple[str, str], np.ndarray[Any, Any]] = {}
    for place, (axes, role) in enumerate(rows):
        for suite in plan.suites:
            cell = digest(plan.name, _name(axes), suite)
            base = _base(plan, axes, role, suite, cell)
            if role == "candidate" and place < plan.failed and suite == plan.suites[-2]:
                lines.append({**base, **_failure(place)})
                continue
            columns: dict[str, np.ndarray[Any, Any]] = {}
            for metric in METRICS[suite]:
                record, samples = _measure(plan, axes, role, suite, metric)
                lines.append({**base, **record})
                columns[metric[0]] = samples
                values[_name(axes), metric[0]] = samples
            cells += 1
            if plan.sampled is None or cells <= plan.sampled:
                _write_samples(folder, plan, base, columns)
    write_jsonl(folder / "records.jsonl", lines)
    (folder / "run.json").write_text(json.dumps(_manifest(plan, lines), indent=1), encoding="utf-8")
    if plan.analyses:
        write_analyses(folder, lines)
    if plan.pictures:
        shown = [
            (_name(axes), digest(plan.name, _name(axes), "reconstruction")) for axes, role in rows if role != "ceiling"
        ]
        write_media(folder, shown[: plan.pictured], values, plan.pictures)
    return folder


def write_jsonl(file: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Objects one a line."""
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _candidates(plan: Plan) -> Iterable[tuple[dict[str, Any], str]]:
    count = 0
    for enhancer, fusion, (encoder, taps) in product(plan.enhancers, plan.fusions, plan.encoders.items()):
        for tap in taps:
            if count < plan.limit and encoder != "pixels":
                count += 1
                yield _axes(encoder, tap, enhancer, fusion, plan.decoder), "candidate"
                if plan.twins:
                    yield _axes(f"random:{encoder}", tap, enhancer, fusion, plan.decoder), "twin"
    if plan.controls:
        for name, role in (("oracle", "ceiling"), ("pixels", "floor"), ("shuffled", "floor"), ("constant", "floor")):
            yield _axes(name, "patches", "identity", "single", plan.decoder), role


def _axes(encoder: str, tap: str, enhancer: str, fusion: str, decoder: str) -> dict[str, Any]:
    axes = {"encoders": [encoder], "taps": [tap], "streams": [f"{encoder}@{tap}"]}
    return {**axes, "enhancer": enhancer, "fusion": fusion, "decoder": decoder}


def _name(axes: Mapping[str, Any]) -> str:
    return "/".join(["+".join(axes["streams"]), axes["enhancer"], axes["fusion"], axes["decoder"]])


def _kind(plan: Plan, axes: Mapping[str, Any], role: str) -> str:
    if role != "candidate":
        return "random" if role == "twin" else "none"
    if plan.weights != "mixed":
        return plan.weights
    return "random" if int(digest(axes["encoders"][0]), 16) % 3 == 0 else "pretrained"


def _base(plan: Plan, axes: Mapping[str, Any], role: str, suite: str, cell: str) -> dict[str, Any]:
    kind = _kind(plan, axes, role)
    size = 2_000_000 + int(digest(axes["encoders"][0]), 16) % 300_000_000
    return {
        "schema": 1,
        "run": plan.name,
        "cell": cell,
        "candidate": _name(axes),
        "axes": axes,
        "role": role,
        "suite": suite,
        "probe": PROBES.get(suite),
        "seeds": [0],
        "dataset": "shapes",
        "fingerprint": digest("shapes", 1, length=32),
        "split": "test",
        "protocol": digest(suite, plan.steps, length=16),
        "provenance": []
        if kind == "none"
        else [
            {"part": "encoder", "name": axes["encoders"][0], "kind": kind, "sha256": digest("w", kind, length=64)}
            | {"repo": "facebook/dinov2-base" if kind == "pretrained" else None, "revision": None}
            | {"seed": None if kind == "pretrained" else 0},
            {"part": "decoder", "name": plan.decoder, "kind": "nano", "sha256": digest("vae", length=64), "repo": None}
            | {"revision": None, "seed": 0},
        ][: 1 if kind == "pretrained" else 2],
        "gateable": kind == "pretrained",
        "dtype": plan.dtype,
        "device": "cpu",
        "attention": "sdpa",
        "params": {
            "encoder": size,
            "enhancer": 1_200_000 if axes["enhancer"] != "identity" else 0,
            "decoder": 9_800_000,
        },
        "wall_s": 3.2,
        "status": "ok",
        "error": None,
        "trace": None,
        "controls_ok": False if suite in plan.broken else (True if plan.controls else None),
        "details": _details(axes, suite),
    }


def _details(axes: Mapping[str, Any], suite: str) -> dict[str, Any]:
    rng = np.random.default_rng(int(digest(_name(axes), suite, "details"), 16))
    if suite == "efficiency":
        return {"stages_ms": {name: round(float(rng.uniform(0.5, 9)), 3) for name in ("encode", "enhance", "decode")}}
    if suite == "reconstruction":
        curve = 0.2 + np.exp(-np.arange(80) / 15) + 0.02 * rng.standard_normal(80)
        return {"loss": [round(float(v), 5) for v in curve], "fit_steps": 200}
    return {"threshold": 0.5} if suite == "spatial" else {}


def _failure(place: int) -> dict[str, Any]:
    status = ("failed", "oom", "unavailable")[place % 3]
    error = ("FitError: loss is NaN at step 12 of 200; lower the learning rate", "out of memory at batch 1: 9.1 GiB")
    trace = (
        'Traceback (most recent call last):\n  File "fit.py", line 61, in fit\nFitError: loss is NaN at step 12 of 200'
    )
    empty = {"metric": None, "value": None, "unit": "", "direction": "none", "n": 0}
    return {**empty, "status": status, "error": error[place % 2], "trace": trace}


def _quality(plan: Plan, axes: Mapping[str, Any], role: str) -> float:
    """How good a candidate is between floor (0) and ceiling (1)."""
    encoder, tap = axes["encoders"][0], axes["taps"][0]
    if encoder in ("oracle", "shuffled", "constant"):
        return {"oracle": 1.0, "shuffled": 0.01, "constant": 0.0}[encoder]
    base = 0.2 + (int(digest(encoder), 16) % 100) / 260 if role == "candidate" else 0.05
    base += {"patch_embed": -0.12, "block.01": 0.02, "block.02": 0.14, "pre_merge": 0.08}.get(tap, 0.0)
    base += 0.03 * (int(digest(tap), 16) % 5) / 5
    base += {"sem": 0.11, "sem_coord": 0.05, "sem_deform": 0.07, "bilinear": 0.02}.get(axes["enhancer"], 0.0)
    base += {"qformer": 0.04, "film": -0.02, "perceiver": 0.01}.get(axes["fusion"], 0.0)
    return base + (plan.shift if role == "candidate" else 0.0)


def _measure(
    plan: Plan, axes: Mapping[str, Any], role: str, suite: str, metric: tuple[str, str, str, tuple[float, float]]
) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    name, unit, direction, (worst, best) = metric
    rng = np.random.default_rng(int(digest(_name(axes), name), 16))
    floor_by, ceiling_by = REFERENCES.get(suite, (None, None))
    if suite == "efficiency":
        size = 4 + int(digest(axes["encoders"][0], "cost"), 16) % 60 + (3 if axes["enhancer"] != "identity" else 0)
        centre = {"latency_p50_ms": size, "latency_p90_ms": size * 1.1, "latency_p99_ms": size * 1.3}.get(name, 0.0)
        centre = centre or {"throughput": 1000 / size, "peak_mib": 300.0 + 22 * size, "params": 1.7e6 * size}[name]
        spread = centre * 0.03
    else:
        centre = worst + (best - worst) * _quality(plan, axes, role)
        spread = abs(best - worst) * 0.12
    fact = direction == "none"
    samples = np.full(plan.samples, centre) if fact else centre + spread * rng.standard_normal(plan.samples)
    half = 1.96 * spread / np.sqrt(plan.samples)
    value = float(samples.mean())
    return {
        "metric": name,
        "value": value,
        "unit": unit,
        "direction": direction,
        "range": [0.0, None],
        "n": plan.samples,
        "ci_low": None if fact else value - half,
        "ci_high": None if fact else value + half,
        "ci_method": None if fact else "cluster_bootstrap_percentile",
        "floor": worst if floor_by else None,
        "ceiling": best if ceiling_by else None,
        "floor_by": floor_by,
        "ceiling_by": ceiling_by,
        "null": {"mean": 0.001, "p95": 0.12, "permutations": 200} if name == "cka" else None,
    }, samples


def _write_samples(folder: Path, plan: Plan, base: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    names = [f"shapes/{i:04d}" for i in range(plan.samples)]
    count = len(columns) * plan.samples
    table = pa.table(
        {
            "metric": [metric for metric in columns for _ in names],
            "dataset": ["shapes"] * count,
            "split": ["test"] * count,
            "probe": pa.array([base["probe"]] * count, pa.string()),
            "seed": [0] * count,
            "sample": names * len(columns),
            "group": names * len(columns),
            "value": np.concatenate(list(columns.values())),
            "stat": pa.array([None] * count, pa.string()),
        }
    )
    facts = {name: str(base[name]) for name in ("schema", "run", "cell", "candidate", "suite")}
    pq.write_table(table.replace_schema_metadata(facts), folder / "samples" / f"{base['cell']}.parquet")


def _manifest(plan: Plan, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cells = {line["cell"]: line["status"] for line in lines}
    states = list(cells.values())
    counts = {name: states.count(name) for name in ("ok", "failed", "oom", "unavailable")}
    return {
        "schema": 1,
        "run": plan.name,
        "command": "pytest benchmarks --matrix smoke --scale smoke --seeds 1",
        "started": "2026-11-21T00:45:00Z",
        "ended": "2026-11-21T00:46:12Z",
        "status": "complete",
        "scale": "smoke",
        "options": {"matrix": "smoke", "weights": plan.weights, "device": "cpu", "seeds": 1},
        "environment": {"python": "3.11.7", "torch": "2.15.0", "platform": "Linux x86_64", "git": "963ed9c (clean)"},
        "hardware": {"cpu": "AMD EPYC", "cores": 2, "ram_gib": 24, "gpus": [], "fingerprint": plan.hardware},
        "plugins": [
            {
                "name": "dinov2",
                "distribution": "foresight-dinov2",
                "version": "0.1.0",
                "digest": digest("d"),
                "error": None,
            },
            {"name": "sem", "distribution": "foresight-sem", "version": "0.1.0", "digest": digest("s"), "error": None},
        ],
        "protocols": {
            digest(suite, plan.steps, length=16): {
                "suite": suite,
                "fit_steps": plan.steps,
                "batch": 64,
                "resolution_px": 128,
            }
            for suite in plan.suites
        },
        "datasets": [
            {
                "name": "shapes",
                "split": split,
                "n": 400,
                "fingerprint": digest("shapes", 1, length=32),
                "license": "CC0-1.0",
            }
            for split in ("train", "test")
        ],
        "counts": {"planned": len(cells), **counts},
        "suites": list(plan.suites),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--candidates", type=int)
    parser.add_argument("--weights", default=None)
    given = parser.parse_args()
    chosen = many(given.candidates) if given.candidates else SMOKE
    print(make_run(given.folder, replace(chosen, weights=given.weights) if given.weights else chosen))
