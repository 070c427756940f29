"""A record in the words of a tracker: flat names, finite numbers, short texts. Nothing is sent without its marks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.contracts.text import without_secrets

NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_\-./ ]")
"""What names of metrics may not hold in the strictest of the trackers (MLflow)."""
LONGEST_TEXT = 500


def key_of(record: Record) -> str:
    """``suite/dataset/metric[/probe]``: the same in every run, so that runs can be compared."""
    parts = [record.suite, record.dataset, record.metric, record.probe]
    return NOT_ALLOWED.sub("_", "/".join(str(part) for part in parts if part))[:200]


def numbers_of(record: Record) -> dict[str, float]:
    """The value under the record's key, its interval and its samples beside it; what is absent is left out."""
    if not record.ok or record.value is None:
        return {}
    key = key_of(record)
    found = {
        key: record.value,
        f"{key}_low": record.ci_low,
        f"{key}_high": record.ci_high,
        f"{key}_n": record.n,
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def texts_of(record: Record) -> dict[str, str]:
    """What a number must not be read without: its protocol, whether it may be ranked, why it is absent."""
    place = NOT_ALLOWED.sub("_", f"{record.suite}/{record.dataset}")
    if not record.ok:
        return {f"status/{place}": f"{record.status}: {record.error}"[:LONGEST_TEXT]}
    probe = f"/{record.probe}" if record.probe else ""
    found = {f"status/{place}": "ok", f"protocol/{place}{probe}": str(record.protocol)}
    if record.distrusted:
        found[f"not_ranked/{place}{probe}"] = "a control left its known range: the probe is broken"
    if record.refused:
        found[f"not_ranked/{place}{probe}"] = f"refused: {record.admission_reason}"[:LONGEST_TEXT]
    if not record.gateable:
        found[f"not_gateable/{key_of(record)}"] = "random, nano or unknown weights, or a metric without units"
    return found


def weights_of(record: Record) -> str:
    """Kinds of the weights behind a number, as ``random`` or ``nano, pretrained``; empty where there are none."""
    return ", ".join(record.weights)


def shown_name(record: Record) -> str:
    """The candidate, marked where a weight behind it is random or nano."""
    marks = [kind for kind in ("random", "nano") if kind in weights_of(record)]
    return f"{record.candidate} [{', '.join(marks)}]" if marks else record.candidate


TOLD = ("python", "torch", "git_sha", "git_dirty")
"""Facts of the environment that trackers are told."""


def about_run(
    run: str, command: str, scale: str, environment: Mapping[str, str], hardware: Mapping[str, Any]
) -> dict[str, str]:
    """Facts about a run, from what its manifest holds."""
    found = {
        "run": run,
        "command": without_secrets(command),
        "scale": scale,
        "cpu": hardware["cpu"],
        "gpus": ", ".join(hardware["gpus"]),
    }
    found |= {name: environment.get(name) for name in TOLD}
    return {name: str(value)[:LONGEST_TEXT] for name, value in found.items() if value}


def about(record: Record) -> dict[str, str]:
    """Facts about the candidate of a record."""
    axes = record.axes
    found = {
        "candidate": record.candidate,
        "role": record.role,
        "encoders": ", ".join(axes.encoders),
        "taps": ", ".join(axes.taps),
        "enhancer": axes.enhancer,
        "fusion": axes.fusion,
        "decoder": axes.decoder,
        "weights": weights_of(record),
        "dtype": record.dtype,
        "device": record.device,
    }
    return {name: str(value)[:LONGEST_TEXT] for name, value in found.items() if value}
