"""Versions of the libraries behind a plugin: random weights and resampling change with them, and so do features."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution

NAME = re.compile(r"[A-Za-z0-9._-]+")


@lru_cache(maxsize=256)
def libraries_of(name: str) -> tuple[str, ...]:
    """``name==version`` of what a distribution needs and of what that needs in turn, sorted; ours and what is absent
    are left out, and so are extras that nobody asked for."""
    found: dict[str, str] = {}
    waiting, seen = ["torch", name], set()
    while waiting:
        one = _canonical(waiting.pop())
        if one in seen:
            continue
        seen.add(one)
        known = _known(one)
        if known is None:
            continue
        version, needed = known
        waiting += needed
        if not one.startswith("foresight-") and one != _canonical(name):
            found[one] = version
    return tuple(f"{one}=={version}" for one, version in sorted(found.items()))


@lru_cache(maxsize=2048)
def _known(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Version of an installed distribution, and the names that it requires; None where it is not installed."""
    try:
        found = distribution(name)
        needed = found.requires or []
    except (PackageNotFoundError, ValueError):
        return None
    plain = (requirement for requirement in needed if "extra ==" not in requirement)
    names = tuple(match[0] for requirement in plain if (match := NAME.match(requirement.strip())))
    return str(found.version), names


def _canonical(name: str) -> str:
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
