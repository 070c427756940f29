"""Names of tensors in checkpoints: what trainings put in front of them, and parts that no encoder has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from foresight_harness.contracts.errors import CheckpointError

WRAPPERS = ("module.", "_orig_mod.")
"""What training in parallel and compiling put in front of every name; no published layout has it."""
HEADS = (r"^(heads?|head_dist|classifier|fc|score)\.",)
"""Of what stands behind the tokens: classifiers and projections."""


def wrapper_of(names: Iterable[str]) -> str:
    """What ``WRAPPERS`` stand in front of all names, once or nested; empty where one has none."""
    every = list(names)
    found = ""
    while every and (
        inner := next((one for one in WRAPPERS if all(name.startswith(found + one) for name in every)), "")
    ):
        found += inner
    return found


def prefix_of(names: Iterable[str], anchor: str, where: str | Path) -> str:
    """What stands in front of a model's names in a larger checkpoint: ``backbone.``, ``model.``, ``student.`` ...

    Args:
        names: Of all tensors.
        anchor: A name that every such model has once.
        where: The checkpoint, for the message.

    Returns:
        Empty where the anchor stands there as it is, or not at all.

    Raises:
        CheckpointError: where the model is there more than once.
    """
    found = sorted(name.removesuffix(anchor) for name in names if name == anchor or name.endswith(f".{anchor}"))
    if len(found) > 1 and "" not in found:
        raise CheckpointError(
            f"{where} holds the model {len(found)} times, under {' and '.join(map(repr, found[:3]))}; keep one"
        )
    return found[0] if found else ""


def is_head(name: str, patterns: Iterable[str] = HEADS) -> bool:
    """Whether a tensor is of a classifier or projection behind the tokens."""
    return any(re.search(pattern, name) for pattern in patterns)


def heads_in(names: Iterable[str]) -> list[str]:
    """Weights of heads among a checkpoint's tensors, whatever one word stands in front of them."""
    return sorted(name for name in names if is_head(name) or is_head(name.partition(".")[2]))


def listed(names: Iterable[str]) -> str:
    """Names in one short line: the first three and how many more."""
    ordered = sorted(names)
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return f"{', '.join(ordered[:3])}{more}"
