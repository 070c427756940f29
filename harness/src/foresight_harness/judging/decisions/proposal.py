"""What a decision file says: the branches of one document's decision tree, as data."""

from __future__ import annotations

from dataclasses import dataclass

ANSWERS = ("PROCEED", "PIVOT", "ABORT", "CANNOT SAY")
"""What can be said of a proposal; the last where no other branch holds yet."""


@dataclass(frozen=True)
class GateCondition:
    """True where a gate has one of these verdicts."""

    gate: str
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Branch:
    """A branch of a decision tree: the first whose conditions all hold is taken."""

    answer: str
    say: str
    """In plain words, for people who decide."""
    quote: str
    """The document's words."""
    line: int
    """Of the document."""
    when: tuple[GateCondition, ...]


@dataclass(frozen=True)
class Proposal:
    """One proposal and how its document decides it."""

    name: str
    """Of the file."""
    label: str
    """As people call it: ``Pivot 1``."""
    title: str
    question: str
    document: str
    gates: tuple[str, ...]
    """Names of the gates that it is decided by and shown with, the first to be settled first."""
    branches: tuple[Branch, ...]
    order: int = 100
    matrix: str = ""
    """The gate whose weighted matrix is shown, if the document has one."""
    budget: str = ""
    """GPU hours that the document itself reckons with, with the line."""
