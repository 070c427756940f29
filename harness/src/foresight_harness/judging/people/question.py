"""One question of a page of pairs, and all of a page with what only its key tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from foresight_harness.contracts.identity import digest

Ask = Literal["same", "nearer"]
ASKS: Mapping[str, tuple[str, ...]] = {"same": ("yes", "no"), "nearer": ("left", "right", "neither")}
"""What may be asked, and how it may be answered: *is this the same scene?* and *which is nearer to the original?*"""


@dataclass(frozen=True)
class Question:
    """One pair. What the page is given of it is ``shown``; all else is the key's."""

    id: str
    """12 hex digits that say nothing of what is behind them."""
    ask: Ask
    check: str
    """Empty where it is asked in earnest. Else why the answer is known: ``copy`` (the original itself stands there),
    ``other`` (a picture of another scene does)."""
    right: str
    """The answer of a check; empty for the others."""
    dataset: str
    sample: str
    group: str
    """Cluster of the sample."""
    candidates: tuple[str, ...]
    """The one that is asked about, or those at the left and at the right; empty at the side of a check's original."""
    left: str
    """Path of a picture or clip, relative to the run folder."""
    middle: str
    """Of the original, where it stands between the two; else empty."""
    right_side: str

    def shown(self) -> dict[str, str]:
        """What the page is made from."""
        return {"id": self.id, "ask": self.ask, "left": self.left, "middle": self.middle, "right": self.right_side}


@dataclass(frozen=True)
class Asking:
    """All questions of a page, in the order in which they are asked."""

    run: str
    """Id of the run whose pictures they are."""
    seed: int
    questions: tuple[Question, ...]

    @property
    def page(self) -> str:
        """What names the page in every file of answers: a digest of all that is asked. 16 hex digits"""
        return digest({"run": self.run, "seed": self.seed, "questions": [asdict(each) for each in self.questions]})

    def of(self, ask: str, *, checks: bool = True) -> list[Question]:
        """The questions of one kind."""
        return [each for each in self.questions if each.ask == ask and (checks or not each.check)]

    @property
    def checks(self) -> list[Question]:
        """The questions whose answers are known."""
        return [each for each in self.questions if each.check]

    def as_json(self) -> dict[str, Any]:
        """The content of a key."""
        return {"run": self.run, "seed": self.seed, "page": self.page} | {
            "questions": [asdict(each) for each in self.questions]
        }
