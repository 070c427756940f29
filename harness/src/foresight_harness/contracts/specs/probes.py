"""Probes on offer: what each reads, whether scores may be ranked by it, and how it is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, cast

from foresight_harness.contracts.errors import PluginError

if TYPE_CHECKING:
    from foresight_harness.contracts.probes import PixelProbe, Probe


@dataclass(frozen=True, kw_only=True)
class ProbeFacts:
    """What a run keeps of a probe, as data: ``probe_facts`` in ``run.json``, by name."""

    name: str
    reads: Literal["boxes", "pixels"] = "boxes"
    """What it predicts: boxes, scored by every metric of boxes; or pixels, scored by R2."""
    primary: bool = False
    """The probe that ranks; there is one, and it is the harness's."""
    audit_only: str = ""
    """Why it does not measure what it claims: suite ``audit`` shows it, and nothing is ranked by it. Empty where scores
    may be ranked by it (``--probe``)."""
    seeded: bool = False
    """Whether anything in it is random: it is then fitted with every seed of the scale."""
    in_brief_audit: bool = False
    """Whether suite ``audit`` reads by it at ``smoke`` too, where time is short; audit-only ones always."""
    guess_s: float = 0.0
    """Seconds that it adds to a cell at smoke scale on two cores, until the machine has measured its own."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {entry.name: getattr(self, entry.name) for entry in fields(ProbeFacts)}


@dataclass(frozen=True, kw_only=True)
class ProbeSpec(ProbeFacts):
    """A probe on offer. ``build`` and ``brief`` import torch when they are called; nothing else here does."""

    build: Callable[[], Probe | PixelProbe]
    """A fresh, unfitted probe."""
    brief: Callable[[], Probe] | None = None
    """The same with the budget that suite ``audit`` has at ``smoke``; None where its own is short enough."""

    def of_boxes(self) -> Probe:
        """A fresh probe, known to read boxes. Raises: PluginError where it reads something else."""
        return cast("Probe", self._built("boxes"))

    def of_pixels(self) -> PixelProbe:
        """A fresh probe, known to read pixels. Raises: PluginError where it reads something else."""
        return cast("PixelProbe", self._built("pixels"))

    def _built(self, wanted: str) -> Probe | PixelProbe:
        if self.reads != wanted:
            raise PluginError(f"probe {self.name!r} reads {self.reads}, and a probe of {wanted} was asked for")
        return self.build()
