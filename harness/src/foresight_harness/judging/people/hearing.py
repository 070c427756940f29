"""What raters answered: one file a rater, refused in one line where it is malformed or of another page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.text import one_line
from foresight_harness.judging.people.key_file import read_object
from foresight_harness.judging.people.question import ASKS, Asking

KIND = "people-answers"
PASS = 0.75
"""Share of the answered checks that a rater must get right to be heard."""
NAME = 60
"""Letters of a name that are kept."""


@dataclass(frozen=True)
class Rater:
    """One person's answers to one page."""

    name: str
    when: str
    """ISO date."""
    answers: Mapping[str, str]
    """By id of the question."""

    def on_checks(self, asking: Asking) -> tuple[int, int]:
        """Checks that were answered rightly, and checks that were answered."""
        known = [each for each in asking.checks if each.id in self.answers]
        return sum(self.answers[each.id] == each.right for each in known), len(known)

    def passed(self, asking: Asking) -> bool:
        """Whether enough checks were answered, and answered rightly."""
        right, known = self.on_checks(asking)
        return 2 * known >= len(asking.checks) and right >= PASS * known


def read_raters(paths: Sequence[Path], asking: Asking) -> list[Rater]:
    """The raters of a page, one a file. Raises: UsageError in one line."""
    found: dict[str, tuple[Rater, Path]] = {}
    for path in paths:
        rater = _rater(path, asking)
        if rater.name in found:
            raise UsageError(
                f"answers {path}: {rater.name} answered in {found[rater.name][1]} too; one file a rater, each by a "
                "name of its own"
            )
        found[rater.name] = (rater, path)
    return [rater for rater, _ in found.values()]


def _rater(path: Path, asking: Asking) -> Rater:
    content = read_object(path, KIND, "answers", "a file that a page of foresight-bench people saved")
    if content.get("page") != asking.page:
        raise UsageError(
            f"answers {path} are to page {content.get('page')!r:.40}, and the key is of page {asking.page} of run "
            f"{asking.run}; name the key that lies beside the page they were given"
        )
    name = content.get("rater")
    if not isinstance(name, str) or not one_line(name).strip():
        raise UsageError(f"answers {path}: rater {name!r:.40}: a name or initials are wanted")
    return Rater(one_line(name, NAME).strip(), _day(path, content.get("when")), _answers(path, content, asking))


def _day(path: Path, when: Any) -> str:
    try:
        return date.fromisoformat(when).isoformat()
    except (TypeError, ValueError):
        raise UsageError(f"answers {path}: when {when!r:.40}: a day is wanted, such as 2026-03-01") from None


def _answers(path: Path, content: Mapping[str, Any], asking: Asking) -> Mapping[str, str]:
    given = content.get("answers")
    if not isinstance(given, dict) or not given:
        raise UsageError(f"answers {path}: no answer stands in it")
    asked = {each.id: each for each in asking.questions}
    for name, answer in given.items():
        if name not in asked:
            raise UsageError(f"answers {path}: question {name!r:.40} is none of page {asking.page}")
        if answer not in ASKS[asked[name].ask]:
            allowed = ", ".join(ASKS[asked[name].ask])
            raise UsageError(f"answers {path}: {answer!r:.40} to question {name}: one of {allowed} is wanted")
    return dict(given)
