"""Versions of the libraries behind a plugin: random weights and resampling change with them, and so do features."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires, version


@lru_cache(maxsize=256)
def libraries_of(distribution: str) -> tuple[str, ...]:
    """``name==version`` of what a distribution directly needs, sorted; ours and what is absent are left out."""
    try:
        needed = requires(distribution) or []
    except PackageNotFoundError:
        needed = []
    found = {"torch"}
    for requirement in needed:
        if "extra ==" not in requirement:
            found.add(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower())
    lines = []
    for name in found:
        if not name.startswith("foresight-"):
            try:
                lines.append(f"{name}=={version(name)}")
            except PackageNotFoundError:
                continue
    return tuple(sorted(lines))
