"""Keys: a digest over everything that decides the content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FORMAT = 1
"""Raised when the meaning of stored arrays changes; older entries are then never read."""


def content_key(choices: Mapping[str, Any]) -> str:
    """sha256 over choices of JSON types, in any order. 64 hex digits."""
    text = json.dumps({"format": FORMAT, **choices}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
