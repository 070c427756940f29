"""What ``run.json`` must look like to be read: damage is one line at once, not a traceback somewhere later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records.record import check_schema

OBJECTS = (
    "options",
    "environment",
    "hardware",
    "protocols",
    "counts",
    "extraction",
    "suite_facts",
    "probe_facts",
    "answers",
)
OBJECTS_OR_NONE = ("answers",)
OBJECTS_OF_OBJECTS = ("protocols", "suite_facts", "probe_facts")
LISTS_OF_OBJECTS = ("plugins", "datasets", "gates", "exporters", "sessions", "cells")
LISTS_OF_TEXTS = ("suites", "left_out")
TEXTS = ("run", "command", "started", "status", "scale")
NAMED: Mapping[str, tuple[str, ...]] = {
    "datasets": ("name", "split", "fingerprint"),
    "gates": ("name", "digest", "path"),
    "cells": ("cell", "candidate", "suite", "dataset"),
    "exporters": ("name",),
    "plugins": ("name",),
}
"""Texts that every entry of a list holds."""


def read_manifest(file: Path) -> dict[str, Any]:
    """``run.json``, fields of the kinds that they are of.

    Raises:
        RunFolderError: in one line, where it is absent, damaged or of a newer schema.
    """
    try:
        content = json.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise RunFolderError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise RunFolderError(f"{file} holds {content!r:.40}, wanted is an object; the file was damaged")
    check_schema(content.get("schema"), str(file))
    for name, value in content.items():
        if value is not None and (wanted := _wrong(name, value)) is not None:
            raise RunFolderError(f"{file}: {name} is {value!r:.60}, wanted is {wanted}; the file was damaged")
    return content


def _wrong(name: str, value: Any) -> str | None:
    """What a field should be, where it is not."""
    if name in (*OBJECTS, *OBJECTS_OR_NONE) and not isinstance(value, dict):
        return "an object"
    if name in OBJECTS_OF_OBJECTS and not all(isinstance(entry, dict) for entry in value.values()):
        return "an object of objects"
    if name in LISTS_OF_OBJECTS:
        texts = NAMED.get(name, ())
        whole = isinstance(value, list) and all(
            isinstance(entry, dict) and all(isinstance(entry.get(text), str) for text in texts) for entry in value
        )
        return None if whole else f"a list of objects with {', '.join(texts)}" if texts else "a list of objects"
    if name in LISTS_OF_TEXTS and not (isinstance(value, list) and all(isinstance(entry, str) for entry in value)):
        return "a list of texts"
    if name in TEXTS and not isinstance(value, str):
        return "a text"
    if name == "suite_facts" and (odd := _odd_metrics(value)):
        return f"metrics of {odd} as a list of objects with a name"
    return None


def _odd_metrics(facts: Mapping[str, Mapping[str, Any]]) -> str | None:
    for suite, told in facts.items():
        metrics = told.get("metrics") or []
        if not isinstance(metrics, list) or not all(
            isinstance(one, dict) and isinstance(one.get("name"), str) for one in metrics
        ):
            return suite
    return None
