"""Names that are digests: cells and protocols."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(choices: Mapping[str, Any], length: int = 16) -> str:
    """First hex digits of the sha256 over JSON choices, in any order."""
    text = json.dumps(choices, sort_keys=True, allow_nan=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def cell_id(candidate: str, suite: str, dataset: str) -> str:
    """Id of a cell within a run: names its sample file and its media. 16 hex digits"""
    return digest({"candidate": candidate, "suite": suite, "dataset": dataset})
