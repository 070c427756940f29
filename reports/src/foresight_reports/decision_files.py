"""Files that ``foresight-bench decide`` writes: read, and checked as far as a page needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight_reports.errors import RunFolderError, SchemaError
from foresight_reports.records import check_schema

NAME = "decision.json"


def read_decision(file: Path) -> Mapping[str, Any]:
    """The content of a decision.

    Raises:
        RunFolderError: when the file cannot be read or holds no decision.
        SchemaError: when a newer harness wrote it.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise RunFolderError(f"{file} cannot be read: {problem}. Write it with foresight-bench decide.") from None
    if not isinstance(found, dict) or found.get("kind") != "decision" or not isinstance(found.get("proposals"), list):
        raise RunFolderError(f"{file} holds no decision. Write it with foresight-bench decide.")
    check_schema(found.get("schema"), f"{file}")
    return found


def kept_decision(folder: Path) -> Mapping[str, Any]:
    """The decision that lies in a run folder; nothing where there is none that can be read."""
    try:
        return read_decision(folder / NAME)
    except (RunFolderError, SchemaError):
        return {}
