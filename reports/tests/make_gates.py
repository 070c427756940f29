"""Generated conclusions about gates and regressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis_forms import Rows, form, measured
from run_plans import digest


def gates_made(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rules = [
        ("premerge_phase1", "IoU at least 0.40", "spatial", "iou", 0.4, "higher", "pre-merge document, table 3"),
        (
            "premerge_phase1",
            "centre error at most 0.15",
            "spatial",
            "centre_error",
            0.15,
            "lower",
            "pre-merge document, table 3",
        ),
        ("hybrid_go", "LPIPS at most 0.35", "reconstruction", "lpips", 0.35, "higher", "hybrid document, section 5.2"),
        ("hybrid_go", "SSIM at least 0.60", "reconstruction", "ssim", 0.6, "higher", "hybrid document, section 5.2"),
        (
            "sem_cp1",
            "latency at most 40 ms",
            "efficiency",
            "latency_p50_ms",
            40.0,
            "lower",
            "SEM document, checkpoint CP1",
        ),
    ]
    rows: Rows = []
    for gate, rule, suite, metric, bound, direction, source in rules:
        mine = [line for line in ranked if line["suite"] == suite and line["metric"] == metric] or ranked[:3]
        for line in mine:
            exists = line["metric"] == metric and line["gateable"]
            verdict, needed = _verdict(line, bound, direction) if exists else ("NOT MEASURED", None)
            reason = "" if exists else "random weights" if line["metric"] == metric else "metric not measured"
            rows.append(
                {"gate": gate, "rule": rule, "candidate": line["candidate"], "suite": suite, "dataset": "shapes"}
                | {"metric": metric, "probe": line["probe"], "bound": bound, "direction": direction, "verdict": verdict}
                | {"measured": None if line["metric"] != metric else _of(line)}
                | {"needed_n": needed, "source": source, "reason": reason}
            )
    stated = []
    for gate in dict.fromkeys(rule[0] for rule in rules):
        by_candidate: dict[str, list[str]] = {}
        for row in rows:
            if row["gate"] == gate:
                by_candidate.setdefault(row["candidate"], []).append(row["verdict"])
        # As in the harness: a candidate is as good as its worst rule, a gate as its best candidate.
        worst = {
            next(v for v in ("NO-GO", "NOT MEASURED", "INCONCLUSIVE", "GO") if v in each)
            for each in by_candidate.values()
        }
        verdict = next(v for v in ("GO", "INCONCLUSIVE", "NO-GO", "NOT MEASURED") if v in worst)
        stated.append(
            {
                "name": gate,
                "title": gate.replace("_", " ").capitalize(),
                "source": next(r[6] for r in rules if r[0] == gate),
            }
            | {"digest": digest(gate), "verdict": verdict, "finding": f"{gate} answers {verdict} on shapes."}
        )
    keys = (
        "gate",
        "rule",
        "verdict",
        "candidate",
        "suite",
        "dataset",
        "metric",
        "probe",
        "bound",
        "direction",
        "measured",
    )
    return form("Gates", "One gate may be passed.", (*keys, "needed_n", "source", "reason"), rows, gates=stated)


def _of(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "value": line["value"],
        "low": line["ci_low"],
        "high": line["ci_high"],
        "n": line["n"],
        "method": line["ci_method"],
    }


def _verdict(line: Mapping[str, Any], bound: float, direction: str) -> tuple[str, int | None]:
    low, high = line["ci_low"], line["ci_high"]
    if low <= bound <= high:
        return "INCONCLUSIVE", 1200
    return ("GO" if (low > bound) == (direction == "higher") else "NO-GO"), None


def regressions_made(ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: Rows = []
    words = ("regressed", "improved", "within noise", "identical", "not compared")
    for place, line in enumerate([line for line in ranked if line["metric"] == "iou"]):
        delta = (-0.03, 0.024, 0.002, 0.0, None)[place % 5]
        rows.append(
            {"verdict": words[place % 5], "candidate": line["candidate"], "suite": line["suite"], "dataset": "shapes"}
            | {"metric": "iou", "sentinel": place < 3, "base": line["value"] - (delta or 0.0), "head": line["value"]}
            | {"delta": None if delta is None else measured(delta, 0.008), "p": None if delta is None else 0.004}
            | {"p_adjusted": None if delta is None else 0.012, "tolerance": 0.01}
            | {"reason": "other data: fingerprint differs" if delta is None else ""}
        )
    keys = (
        "verdict",
        "candidate",
        "suite",
        "dataset",
        "metric",
        "sentinel",
        "base",
        "head",
        "delta",
        "p",
        "p_adjusted",
    )
    baseline = {"name": "main", "run": "20261114T000000Z_9f31c20_0001", "reason": "release 0.1"}
    finding = "2 sentinels regressed beyond tolerance."
    return form("Regressions against main", finding, (*keys, "tolerance", "reason"), rows, baseline=baseline)
