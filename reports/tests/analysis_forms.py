"""What all generated conclusions have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from run_plans import digest

Rows = list[dict[str, Any]]


def measured(value: float, half: float = 0.02, n: int = 256) -> dict[str, Any]:
    """A measured value as the harness writes it."""
    return {"value": value, "low": value - half, "high": value + half, "n": n, "method": "cluster_bootstrap_percentile"}


def form(title: str, finding: str, keys: Iterable[str], rows: Rows, **extra: Any) -> dict[str, Any]:
    columns = [{"key": k, "label": k.replace("_", " ").capitalize(), "unit": "", "direction": "none"} for k in keys]
    inputs = {"suites": ["spatial"], "metrics": ["iou"], "seeds": [0], "method": "recomputed from samples"}
    caveats = ["Encoders have random weights: nothing here is about a published model."]
    return {
        "title": title,
        "finding": finding,
        "caveats": caveats,
        "inputs": inputs,
        "columns": columns,
        "rows": rows,
        **extra,
    }


def encoders_of(ranked: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(line["axes"]["encoders"][0] for line in ranked))


def noise_of(*parts: object) -> float:
    return int(digest(*parts), 16) % 1000 / 1000 - 0.5
