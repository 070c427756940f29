"""What ``ab`` leaves behind: a run folder of its own below ``runs/ab``, which ``report`` and ``verify`` read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foresight_harness.contracts.identity import cell_id, digest
from foresight_harness.judging.ab.measuring import Timed
from foresight_harness.judging.ab.trees import Tree
from foresight_harness.judging.analyses.ab import METRIC, SIDES, SUITE, joint_level, ratio_of
from foresight_harness.running.run_folder.folder import RunFolder
from foresight_harness.running.run_folder.samples import rows_digest, write_samples

FOLDER = "ab"
"""Below the folder of runs, so that ``latest``, histories and baselines are those of scored runs."""


def keep(
    out: Path,
    trees: tuple[Tree, Tree],
    found: Sequence[Timed],
    told: Mapping[str, Any],
    manifest: Mapping[str, Any],
) -> Path:
    """Write the run folder; ``told`` are tolerance, rounds and seed, ``manifest`` is what any run says of itself."""
    base, head = trees
    folder = RunFolder.create(out / FOLDER, head.sha)
    level = joint_level(sum(not one.reason for one in found))
    protocols = {digest(one.choices): one.choices for one in found if not one.reason}
    counts = {
        **dict.fromkeys(("failed", "oom"), 0),
        "planned": len(found),
        "ok": sum(not one.reason for one in found),
        "unavailable": sum(bool(one.reason) for one in found),
    }
    folder.append_records([_record(folder, one, level, manifest["options"]) for one in found])
    folder.append_media([])
    sides = {"base": {"ref": base.ref, "sha": base.sha}, "head": {"sha": head.sha, "changed": head.changed}}
    folder.write_manifest(
        {
            **manifest,
            "status": "complete",
            "protocols": protocols,
            "datasets": [],
            "counts": counts,
            "suites": [SUITE],
            "ab": {**sides, **told},
        }
    )
    return folder.path


def _record(folder: RunFolder, one: Timed, level: float, options: Mapping[str, Any]) -> dict[str, Any]:
    streams, enhancer, fusion, decoder = one.candidate.split("/")
    refs = [stream.partition("@")[::2] for stream in streams.split("+")]
    cell = cell_id(one.candidate, SUITE, one.dataset)
    shared = {
        "cell": cell,
        "candidate": one.candidate,
        "axes": {
            "encoders": list(dict.fromkeys(name for name, _ in refs)),
            "taps": [tap for _, tap in refs],
            "streams": streams.split("+"),
            "depths": [None] * len(refs),
            "families": [name for name, _ in refs],
            "enhancer": enhancer,
            "fusion": fusion,
            "decoder": decoder,
        },
        "role": "candidate",
        "suite": SUITE,
        "dataset": one.dataset,
        "split": "test",
        "fingerprint": None,
        "provenance": [{"part": "encoder", "name": name, "kind": kind} for name, kind in one.weights.items()],
        "dtype": options["dtype"],
        "device": options["device"],
        "attention": None,
        "wall_s": round(sum(one.base_s) + sum(one.head_s), 4),
        "params": None,
        "of_cell": 1,
        "details": {},
    }
    if one.reason:
        return {
            **shared,
            "metric": None,
            "value": None,
            "protocol": None,
            "status": "unavailable",
            "error": one.reason,
            "trace": "",
        }
    rows = _rows(one)
    facts = {"run": folder.run_id, "cell": cell, "candidate": one.candidate, "suite": SUITE}
    write_samples(folder.path / "samples" / f"{cell}.parquet", rows, facts)
    ratio = ratio_of(np.array(one.base_s), np.array(one.head_s), level)
    return {
        **shared,
        "metric": METRIC,
        "probe": None,
        "value": ratio.value,
        "unit": "ratio",
        "direction": "none",  # candidates are not ranked by what a change did to them
        "range": [0.0, None],
        "n": ratio.n,
        "ci_low": ratio.low,
        "ci_high": ratio.high,
        "ci_method": ratio.method,
        "floor": None,
        "ceiling": None,
        "null": None,
        "seeds": [0],
        "per_sample": None,
        "resamples": None,
        "samples_digest": rows_digest(rows),
        "protocol": digest(one.choices),
        "gateable": False,
        "controls_ok": None,
        "status": "ok",
        "error": None,
        "details": {"repeats": one.repeats, "params": one.params},
    }


def _rows(one: Timed) -> list[dict[str, Any]]:
    return [
        {
            "metric": side,
            "dataset": one.dataset,
            "split": "test",
            "probe": None,
            "seed": 0,
            "sample": f"round {number:04d}",
            "group": f"round {number:04d}",
            "value": float(value),
            "stat": None,
        }
        for side, values in zip(SIDES, (one.base_s, one.head_s), strict=True)
        for number, value in enumerate(values, start=1)
    ]
