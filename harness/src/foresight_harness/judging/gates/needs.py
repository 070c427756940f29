"""The table ``needs`` of a gate or of one of its rules, checked: what evidence must be before it decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.gates.gate import INPUTS, POLICIES, RIVALS, WEIGHTS, Needs

KEYS = {"decoder", "input", "least_n", "weights", "better_than", "input_policy", "times"}
STAGES = ("encode", "enhance", "fuse", "adapt", "decode")
"""Of a pipeline, as the efficiency suite times them."""


class Complainer(Protocol):
    """What checks a file, and names it and the rule in its complaints."""

    def fail(self, message: str) -> UsageError:
        """The complaint."""

    def keys(self, entry: Any, allowed: set[str], needed: set[str]) -> None:
        """Raises: UsageError where a table has other keys."""

    def one_of(self, entry: Mapping[str, Any], key: str, choices: Sequence[str]) -> Any:
        """The value of a key. Raises: UsageError where it is none of the choices."""


def needs_of(check: Complainer, entry: Any, above: Needs) -> Needs:
    """A table over what the gate as a whole states; the same where there is none. Raises: UsageError."""
    if entry is None:
        return above
    check.keys(entry, KEYS, set())
    found: dict[str, Any] = {"stated": True}
    for key, choices in (("input", INPUTS), ("weights", WEIGHTS), ("input_policy", POLICIES)):
        if key in entry:
            found[key] = check.one_of(entry, key, choices)
    for key, known in (("decoder", None), ("better_than", RIVALS), ("times", STAGES)):
        if key in entry:
            found[key] = _texts(check, key, entry[key], known)
    if "least_n" in entry:
        least = entry["least_n"]
        if type(least) is not int or least < 0:
            raise check.fail(f"needs: least_n {least!r}: a whole number from 0")
        found["least_n"] = least
    return replace(above, **found)


def _texts(check: Complainer, key: str, value: Any, known: Sequence[str] | None) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise check.fail(f"needs: {key} must be a list of texts")
    for item in value:
        if known is not None and item not in known:
            raise check.fail(f"needs: {key} names {item!r}; there are {', '.join(known)}")
    return tuple(value)
