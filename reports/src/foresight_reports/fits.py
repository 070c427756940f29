"""Fits that stopped too soon to be read as what features hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foresight_reports.captions import counted
from foresight_reports.records import Record, number

AT_THE_CONSTANT = 1.05
"""As in the harness: a loss up to this times that of the best constant answer counts as having reached it."""


def caveats(records: Sequence[Record]) -> list[str]:
    """What must be said about the fits of candidates; controls hold nothing to be learned and are left out."""
    fits = {(r.candidate, r.cell): fit for r in records if r.role == "candidate" for fit in _fits(r)}
    under = sorted({candidate for (candidate, _), fit in fits.items() if above_constant(fit)})
    if not under:
        return []
    count = len({candidate for candidate, _ in fits})
    return [
        f"{len(under)} of {counted(count, 'fitted candidate')} stopped above the loss of the best constant answer: "
        "their numbers tell how far the fit came, not what the features hold. A larger --scale gives more steps."
    ]


def above_constant(fit: Mapping[str, Any]) -> bool:
    """Whether a fit ended worse than what can be had without features; False where that is not known."""
    last, constant = number(fit.get("loss_last")), number(fit.get("loss_constant"))
    return last is not None and constant is not None and last > AT_THE_CONSTANT * constant


def _fits(record: Record) -> Iterator[Mapping[str, Any]]:
    fit = record.details.get("fit")
    if isinstance(fit, Mapping):
        yield fit
