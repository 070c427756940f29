"""Conclusions of a generated run: every kind of ``analysis/<kind>.json``, with rows made from the run's own numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from analysis_forms import Rows, encoders_of, form, measured, noise_of
from make_gates import gates_made, regressions_made
from run_plans import digest

PROBES = {
    "dense_ridge": (False, 0.889, 0.064, 0.3),
    "conv": (False, 0.875, 0.058, 0.42),
    "detr": (False, 0.769, 0.06, 0.5),
    "attentive": (False, 0.666, 0.068, 0.4),
    "soft_argmax": (False, 0.546, 0.061, 0.48),
    "detr_no_position": (True, 0.066, 0.061, 0.055),
    "pooled_mlp": (True, 0.068, 0.066, 0.066),
}
"""Probes with what they score on a perfect mask, on shuffled tokens and on an encoder (measured, see the findings)."""


def write_analyses(folder: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write one file a kind from the records of a run."""
    ranked = [line for line in lines if line["metric"] is not None and line["role"] == "candidate"]
    made = {
        "audit": _audit(ranked),
        "gates": gates_made(ranked),
        "regressions": regressions_made(ranked),
        "proxies": _proxies(ranked),
        "attribution": _attribution(ranked),
        "categories": _categories(ranked),
        "layers": _layers(ranked),
        "embeddings": _embeddings(ranked),
        "similarity": _similarity(ranked),
        "convergence": _unknown(ranked),
    }
    (folder / "analysis").mkdir(exist_ok=True)
    for kind, content in made.items():
        (folder / "analysis" / f"{kind}.json").write_text(json.dumps({"schema": 1, "kind": kind, **content}, indent=1))


def _audit(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    streams = [
        "oracle@mask",
        *(f"{name}@last" for name in encoders_of(ranked)[:4]),
        "pixels@patch",
        "shuffled@last",
        "constant@patch",
    ]
    for probe, (only, oracle, noise, own) in PROBES.items():
        for stream in streams:
            value = {"oracle@mask": oracle, "shuffled@last": noise, "constant@patch": 0.06}.get(stream, own)
            if stream[:6] not in ("oracle", "shuffl", "consta"):
                value += 0.3 * (own - 0.06) * noise_of(probe, stream)
            rows.append(
                {"probe": probe, "audit_only": only, "stream": stream, "dataset": "shapes", "metric": "iou"}
                | {"score": measured(value, 0.014), "floor": 0.06, "ceiling": oracle, "sees_position": oracle > 0.2}
            )
    probes = [
        {"name": probe, "tells_oracle_from_shuffled": oracle > 0.2, "gap": oracle - noise}
        for probe, (_, oracle, noise, _) in PROBES.items()
    ]
    finding = (
        "pooled_mlp and detr_no_position score the floor on a perfect mask: their 0.10 says nothing about an encoder."
    )
    keys = ("probe", "audit_only", "stream", "dataset", "metric", "score", "floor", "ceiling", "sees_position")
    return form("Audit of the probes", finding, keys, rows, probes=probes)


def _proxies(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    for proxy, value in {"iou": 0.82, "cka": 0.31, "mutual_knn": 0.44, "psnr": -0.12, "latency_p50_ms": 0.05}.items():
        rows.append(
            {"proxy": proxy, "outcome": "lpips_random_trunk", "dataset": "shapes", "candidates": 17}
            | {"correlation": measured(value, 0.18, 17), "worst_left_out": value - 0.15, "left_out_family": "dinov2"}
            | {
                "gateable": value > 0.6,
                "sentence": f"{proxy} {'orders' if value > 0.6 else 'does not order'} candidates.",
            }
        )
    keys = ("proxy", "outcome", "dataset", "candidates", "correlation", "worst_left_out", "left_out_family", "gateable")
    return form("Which cheap numbers may be trusted", "Only IoU orders candidates.", (*keys, "sentence"), rows)


def _attribution(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    for axis in ("encoder", "tap", "enhancer", "fusion"):
        names = [
            line["axes"]["encoders" if axis == "encoder" else "taps" if axis == "tap" else axis] for line in ranked
        ]
        levels = sorted({name[0] if isinstance(name, list) else name for name in names})
        for level in levels:
            rows.append(
                {"metric": "iou", "suite": "spatial", "dataset": "shapes", "axis": axis, "level": level}
                | {"effect": measured(0.2 * noise_of(axis, level), 0.02), "seed_spread": 0.014, "candidates": 12}
            )
    shares = [
        {"metric": "iou", "axis": axis, "share": s} for axis, s in (("encoder", 0.6), ("tap", 0.25), ("enhancer", 0.1))
    ]
    keys = ("metric", "suite", "dataset", "axis", "level", "effect", "seed_spread", "candidates")
    return form("What the score depends on", "The encoder explains 60 % of the spread.", keys, rows, shares=shares)


def _categories(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    parts = {"class": ("bar", "disc", "ring"), "size": ("large", "medium", "small"), "place": ("border", "middle")}
    for name in dict.fromkeys(line["candidate"] for line in ranked if line["suite"] == "spatial"):
        for way, levels in parts.items():
            for level in levels:
                iou = 0.4 + 0.2 * noise_of(name, level)
                rows.append(
                    {"suite": "spatial", "dataset": "shapes", "probe": "dense_ridge", "candidate": name}
                    | {"by": way, "level": level, "objects": 120, "iou": measured(iou), "map50": measured(iou / 2)}
                    | {"centre_error": measured(0.3 * (1 - iou))}
                )
    keys = ("suite", "dataset", "probe", "candidate", "by", "level", "objects", "iou", "map50", "centre_error")
    return form("Which objects are found?", "Rings are found worst.", keys, rows)


def _layers(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    best: Rows = []
    for encoder in encoders_of(ranked):
        for block in range(6):
            value = 0.25 + 0.25 * np.sin((block + 1 + noise_of(encoder)) * 0.55) + 0.1 * noise_of(encoder, "height")
            rows.append(
                {
                    "encoder": encoder,
                    "tap": f"block.{block:02d}",
                    "depth": block / 5,
                    "suite": "spatial",
                    "dataset": "shapes",
                }
                | {"metric": "iou", "measured": measured(float(value))}
            )
        mine = [row for row in rows if row["encoder"] == encoder]
        top = max(mine, key=lambda row: row["measured"]["value"])
        for half in ("half A", "half B"):
            best.append({**top, "chosen_on": half, "on_chosen": top["measured"]["value"]})
    keys = ("encoder", "tap", "depth", "suite", "dataset", "metric", "measured")
    return form("Score by depth", "Encoders peak in the middle.", keys, rows, best=best)


def _embeddings(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    maps: Rows = []
    names = list(dict.fromkeys(line["candidate"] for line in ranked))
    for candidate in names[:4]:
        for method in ("tsne", "umap"):
            rng = np.random.default_rng(int(digest(candidate, method), 16))
            points = []
            for number in range(240):
                kind, row, col = number % 5, number // 15 % 16, number % 16
                x, y = np.cos(kind * 1.26) * 6 + rng.normal(), np.sin(kind * 1.26) * 6 + rng.normal()
                points.append(
                    [float(x), float(y), ("ground", "circle", "square", "star", "cross")[kind], row, col, number % 4]
                )
            maps.append({"candidate": candidate, "dataset": "shapes", "method": method, "seed": 0, "points": points})
            rows.append(
                {"candidate": candidate, "dataset": "shapes", "method": method, "seed": 0, "silhouette_class": 0.41}
                | {"silhouette_position": 0.03, "silhouette_frame": None}
            )
    keys = ("candidate", "dataset", "method", "seed", "silhouette_class", "silhouette_position", "silhouette_frame")
    return form("Token space", "Tokens cluster by class, not by place.", keys, rows, maps=maps)


def _similarity(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    names = [f"{name}@last" for name in encoders_of(ranked)] + ["ltx_video_nano latents"]
    for left in range(len(names)):
        for right in range(left + 1, len(names)):
            value = 0.5 + 0.9 * noise_of(names[left], names[right])
            rows.append(
                {"a": names[left], "b": names[right], "dataset": "shapes", "estimator": "debiased_linear_cka"}
                | {"measured": measured(value, 0.03), "null_mean": 0.01, "null_p95": 0.12}
            )
    keys = ("a", "b", "dataset", "estimator", "measured", "null_mean", "null_p95")
    return form("How alike representations are", "Encoders of one family are most alike.", keys, rows)


def _unknown(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A kind that the reader has no picture for."""
    rows: Rows = [
        {"candidate": line["candidate"], "converged": bool(place % 3), "final_loss": 0.02 * place, "note": None}
        for place, line in enumerate(ranked)
        if line["metric"] == "cka"
    ]
    return form(
        "Which fits converged",
        "Two thirds of the fits reached a plateau.",
        ("candidate", "converged", "final_loss"),
        rows,
    )
