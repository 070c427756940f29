"""People who answer as they are told, and the files that their pages save."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from foresight_harness.judging.people.hearing import Rater
from foresight_harness.judging.people.question import Asking, Question

FIRST = "dinov2_tiny@last/identity/single/linear"
SECOND = "sam_tiny@neck/identity/single/linear"
SCENES = 12
Judge = Callable[[Question], str]


def answered(asking: Asking, name: str, judge: Judge, *, honest: bool = True) -> Rater:
    """A rater who answers checks rightly, if honest, and all else as told."""
    answers = {each.id: each.right if each.check and honest else judge(each) for each in asking.questions}
    return Rater(name, "2026-03-01", answers)


def saved(rater: Rater, page: str, path: Path, /, **changes: object) -> Path:
    """The file that the page of a rater saves."""
    content = {"schema": 1, "kind": "people-answers", "page": page, "rater": rater.name, "when": rater.when}
    path.write_text(json.dumps({**content, "answers": dict(rater.answers), **changes}))
    return path
