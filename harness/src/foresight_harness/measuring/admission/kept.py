"""Verdicts kept beside the cached features: an encoder is examined once for its code, weights, tap and pictures."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight_harness.measuring.admission.verdicts import Verdict, verdict_from_json

FOLDER = "admission"


def kept_verdict(root: Path, key: str) -> Verdict | None:
    """The verdict under that key; None where there is none, or it is damaged."""
    try:
        return verdict_from_json(json.loads(_file(root, key).read_text(encoding="utf-8"))["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_verdict(root: Path, key: str, verdict: Verdict, facts: Mapping[str, Any]) -> None:
    """Keep a verdict with what it is of; a store that cannot be written has it made again by the next run."""
    file = _file(root, key)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        making = file.with_suffix(f".{uuid.uuid4().hex[:8]}")
        making.write_text(json.dumps({**facts, "verdict": verdict.as_json()}, indent=1), encoding="utf-8")
        making.replace(file)


def _file(root: Path, key: str) -> Path:
    return root / FOLDER / f"{key}.json"
