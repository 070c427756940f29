"""The key of a page, beside it: what each question was about. Whoever answers is given the page alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.people.question import ASKS, Asking, Question

KIND = "people-key"
TEXTS = ("id", "check", "right", "dataset", "sample", "group", "left", "middle", "right_side")


def key_of(page: Path) -> Path:
    """Where the key of a page lies."""
    return page.with_suffix(".key.json")


def refuse_another(path: Path, asking: Asking) -> None:
    """Keep the key of a page that people may be answering. Raises: UsageError where another page's lies there."""
    if path.exists() and (found := read_key(path)).page != asking.page:
        raise UsageError(
            f"key {path} is of page {found.page}, whose answers could no longer be read; name another page with -o, or "
            "remove the key"
        )


def write_key(path: Path, asking: Asking) -> None:
    """Write a key. Raises: UsageError where the place cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"schema": SCHEMA, "kind": KIND, **asking.as_json()}
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"key {path} cannot be written: {error.strerror}") from error


def read_key(path: Path) -> Asking:
    """Read and check a key. Raises: UsageError in one line."""
    content = read_object(
        path, KIND, "key", "the .key.json file that foresight-bench people page wrote beside the page"
    )
    questions = content.get("questions")
    if not isinstance(questions, list) or not isinstance(content.get("run"), str):
        raise UsageError(f"key {path}: no 'run' or no list of 'questions'; make the page again")
    if type(seed := content.get("seed")) is not int:
        raise UsageError(f"key {path}: seed {seed!r:.40} is no whole number; make the page again")
    found = Asking(content["run"], seed, tuple(_question(path, place, one) for place, one in enumerate(questions, 1)))
    if found.page != content.get("page"):
        raise UsageError(
            f"key {path} was changed after its page was made: take the one beside the page, or make it again"
        )
    return found


def _question(path: Path, place: int, entry: Any) -> Question:
    fields = set(Question.__dataclass_fields__)
    if not isinstance(entry, dict) or set(entry) != fields or entry["ask"] not in ASKS:
        raise UsageError(f"key {path}: question {place} is none of this version's; make the page again")
    names = entry["candidates"]
    texts = [entry[name] for name in TEXTS] + (names if isinstance(names, list) else [None])
    if not all(isinstance(text, str) for text in texts):
        raise UsageError(f"key {path}: question {place} holds what is no text; make the page again")
    return Question(**{**entry, "candidates": tuple(names)})


def read_object(path: Path, kind: str, what: str, wanted: str) -> dict[str, Any]:
    """A JSON object of a kind, of a schema that is known. Raises: UsageError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} {path} is not JSON ({error}); name {wanted}") from error
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise UsageError(f"{what} {path} is something else; name {wanted}")
    if type(schema := content.get("schema")) is not int or schema > SCHEMA:
        raise UsageError(f"{what} {path}: schema {schema!r:.40}; this version reads up to {SCHEMA}")
    return content
