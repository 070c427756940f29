"""How two runs were made, beside their protocols: what a reader must know of numbers that came out equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.run_data import RunData

SOFTWARE = ("python", "torch", "torchvision", "numpy", "scipy", "lpips", "faster-coco-eval", "threads")
"""Facts of ``environment`` that may move a number without standing in a protocol."""
MOST = 4
"""Differences that a sentence names."""


def made_otherwise(base: RunData, head: RunData) -> tuple[str, ...]:
    """Differences in software, threads and plugin code, each in words: ``torch 2.5.1 and 2.6.0``."""
    ours, theirs = (run.manifest.get("environment") or {} for run in (base, head))
    found = [
        f"{name} {_text(ours.get(name))} and {_text(theirs.get(name))}"
        for name in SOFTWARE
        if ours.get(name) != theirs.get(name)
    ]
    before, after = _digests(base.manifest), _digests(head.manifest)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            found.append(f"code of plugin {_text(name)} {_text(before.get(name))[:8]} and {_text(after.get(name))[:8]}")
    return tuple(found)


def sentence(differences: tuple[str, ...], before: Record | None, after: Record | None) -> str:
    """What stands beside an equal number: empty where both were made alike."""
    found = list(differences)
    if before is not None and after is not None and before.attention != after.attention:
        found.insert(0, f"attention {_text(before.attention)} and {_text(after.attention)}")
    if not found:
        return ""
    more = f", and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"made with {', '.join(found[:MOST])}{more}"


def _digests(manifest: Mapping[str, Any]) -> dict[str, str]:
    plugins = manifest.get("plugins") or ()
    return {str(one.get("name")): str(one.get("digest")) for one in plugins if isinstance(one, Mapping)}


def _text(value: Any) -> str:
    """Outside text as one line."""
    text = "absent" if value is None else " ".join(str(value).split())
    return "".join(mark for mark in text if mark.isprintable())[:40]
