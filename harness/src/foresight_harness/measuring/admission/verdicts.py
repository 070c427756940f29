"""What admission says of an encoder at a tap, and of a candidate: a status, reasons, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["admitted", "refused", "not checked"]
ADMITTED: Status = "admitted"
REFUSED: Status = "refused"
NOT_CHECKED: Status = "not checked"
SHOWN = 2
"""Reasons that are told; what is wrong in one place is often wrong in many."""


@dataclass(frozen=True)
class Verdict:
    """Of one encoder at one tap, or of all streams of a candidate."""

    status: Status
    reasons: tuple[str, ...] = ()
    """Why it is refused, or was not checked at all."""
    unchecked: tuple[str, ...] = ()
    """What could not be decided, with the reason: ``colours: no mean and std declared``."""
    params: int | None = None
    """Parameters that were found in what was built, and in the modules that ran."""

    @property
    def refused(self) -> bool:
        """Whether its numbers are shown and not ranked."""
        return self.status == REFUSED

    @property
    def line(self) -> str | None:
        """Reasons, then what was not checked, in one line; None where there is nothing to say."""
        told = list(self.reasons[:SHOWN])
        if self.unchecked:
            told.append(f"not checked: {'; '.join(self.unchecked)}")
        return "; ".join(told) or None

    def and_then(self, reasons: Iterable[str]) -> Verdict:
        """This one, refused where there are further reasons."""
        found = tuple(reasons)
        if not found:
            return self
        return Verdict(REFUSED, (*self.reasons, *found), self.unchecked, self.params)

    def as_json(self) -> dict[str, Any]:
        """JSON types."""
        return {**asdict(self), "reasons": list(self.reasons), "unchecked": list(self.unchecked)}


def verdict_from_json(values: Mapping[str, Any]) -> Verdict:
    """The inverse of ``as_json``. Raises: KeyError, TypeError where it was written by something else."""
    return Verdict(values["status"], tuple(values["reasons"]), tuple(values.get("unchecked", ())), values.get("params"))


def joined(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Of a candidate: as bad as its worst stream. None where no stream needs admission."""
    found = list(verdicts)
    if not found:
        return None
    order: tuple[Status, ...] = (REFUSED, NOT_CHECKED, ADMITTED)
    status = min((each.status for each in found), key=order.index)
    reasons = tuple(dict.fromkeys(reason for each in found if each.status == status for reason in each.reasons))
    unchecked = tuple(dict.fromkeys(line for each in found for line in each.unchecked))
    return Verdict(status, reasons, unchecked)
