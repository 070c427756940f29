"""Keys: a digest over everything that decides the content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

FORMAT = 1
"""Raised when the meaning of stored arrays changes; older entries are then never read."""


def content_key(choices: Mapping[str, Any]) -> str:
    """sha256 over choices of JSON types, in any order. 64 hex digits."""
    text = json.dumps({"format": FORMAT, **choices}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_environment(names: Iterable[str]) -> dict[str, str | None]:
    """What environment variables hold, as digests: a key is written to disk, and a value may be a secret."""
    values = {name: os.environ.get(name) for name in names}
    return {
        name: None if value is None else hashlib.sha256(value.encode()).hexdigest()[:16]
        for name, value in sorted(values.items())
    }
