"""Records that may be compared with each other, board by board, and what their candidates are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.running.run_folder.run_data import RunData

SHARE = "_share"
"""End of a metric that restates another one between its floor and its ceiling."""
NAMED = 3
"""Candidates that a caveat names; the others are counted."""
BREAKDOWN = re.compile(r"(.+)_\d+")
"""A metric of a part of the samples (``iou_3``: pictures of three objects), where the whole one stands beside it."""


class Design(NamedTuple):
    """The choices that make a candidate."""

    encoder: str
    """Names, joined by ``+``."""
    tap: str
    """Streams, ``encoder@tap`` joined by ``+``: a tap means something only within its encoder."""
    enhancer: str
    fusion: str
    decoder: str
    """Empty where the suite reads no decoder: the candidate's own is then incidental."""


@dataclass(frozen=True)
class Board:
    """One metric of one suite on one data set, over candidates of one protocol. Controls are left out."""

    suite: str
    metric: str
    probe: str | None
    dataset: str
    decoder: str | None
    """None where the suite reads no decoder: reconstructions by two decoders are not compared."""
    direction: str
    records: tuple[Record, ...]

    @property
    def by_design(self) -> Mapping[Design, Record]:
        """One record a design."""
        return {design_of(record): record for record in self.records}

    @property
    def title(self) -> str:
        """As sentences name it."""
        probe = f" ({self.probe})" if self.probe else ""
        decoder = f" through {self.decoder}" if self.decoder else ""
        return f"{self.metric}{probe} of {self.suite} on {self.dataset}{decoder}"


class _Key(NamedTuple):
    """What records of one board have in common."""

    suite: str
    metric: str
    probe: str | None
    dataset: str
    decoder: str | None
    direction: str
    protocol: str | None


def boards(run: RunData) -> list[Board]:
    """The boards of a run, in order of appearance.

    Left out are costs, facts without a better direction, shares and breakdowns of a metric that stands beside them,
    records whose controls left their known range, and those of encoders that admission refused.
    """
    grouped: dict[_Key, list[Record]] = {}
    metrics = {(record.suite, record.metric) for record in run.records}
    for record in run.records:
        if not record.is_candidate or record.value is None or not record.believed:
            continue
        suite = run.suites.get(record.suite)
        if (suite is not None and suite.timed) or record.direction not in ("higher", "lower"):
            continue
        if _restates(record.suite, record.metric, metrics):
            continue
        decoder = record.axes.decoder if record.reads_decoder else None
        named = (record.suite, record.metric, record.probe, record.dataset, decoder, record.direction)
        grouped.setdefault(_Key(*named, record.protocol), []).append(record)
    return [Board(*key[:-1], tuple(found)) for key, found in grouped.items()]


def _restates(suite: str, metric: str, metrics: set[tuple[str, str]]) -> bool:
    part = BREAKDOWN.fullmatch(metric)
    whole = metric.removesuffix(SHARE) if metric.endswith(SHARE) else part[1] if part else None
    return whole is not None and (suite, whole) in metrics


def design_of(record: Record) -> Design:
    """The choices of a record's candidate."""
    axes = record.axes
    streams = record.candidate.split("/")[0]
    decoder = axes.decoder if record.reads_decoder else ""
    return Design("+".join(axes.encoders), streams, axes.enhancer, axes.fusion, decoder)


def family_of(record: Record) -> str:
    """Family of a candidate's encoders: those of one plugin are relatives and rise and fall together."""
    families = record.axes.families or record.axes.encoders
    return "+".join(dict.fromkeys(families))


def untrusted(records: Sequence[Record]) -> bool:
    """Whether a record's weights are random or nano: what is found then says nothing about trained models."""
    return any(record.untrained for record in records)


def weights_caveat(records: Sequence[Record], what: str) -> list[str]:
    """Which candidates ran without trained weights, by name where not all did; none where every one is trained.

    Args:
        records: What the conclusion is drawn from.
        what: Of it says nothing about trained models then, such as ``effects describe this run``.
    """
    loud = list(dict.fromkeys(record.candidate for record in records if record.untrained))
    names = list(dict.fromkeys(record.candidate for record in records))
    if not loud:
        return []
    if len(loud) == len(names):
        return [f"Weights are random or nano: {what} and not trained models."]
    shown = ", ".join(loud[:NAMED]) + (f" and {len(loud) - NAMED} more" if len(loud) > NAMED else "")
    return [f"{len(loud)} of {len(names)} candidates ran with random or nano weights ({shown}): of those {what} alone."]


class Aligned(NamedTuple):
    """Per-sample values of several records on the same samples and seeds."""

    values: Mapping[Design, Floats]
    """[S, n] by design; a closed-form candidate, which has one seed, is repeated."""
    groups: tuple[str, ...]
    trained: tuple[Design, ...]
    """Designs with several seeds of their own."""


def aligned(run: RunData, board: Board) -> Aligned | None:
    """The per-sample values of a board; None where the metric has none, or two records saw different samples.

    Raises:
        RunFolderError: where a sample file is damaged.
    """
    found = {design: run.values(record) for design, record in board.by_design.items()}
    known = {design: values for design, values in found.items() if values is not None}
    if not known or len(known) < len(found) or len({values.samples for values in known.values()}) > 1:
        return None
    seeds = max(len(values.seeds) for values in known.values())
    rows = {
        design: values.values if len(values.seeds) == seeds else np.tile(values.mean_over_seeds, (seeds, 1))
        for design, values in known.items()
    }
    trained = tuple(design for design, values in known.items() if len(values.seeds) > 1)
    return Aligned(rows, next(iter(known.values())).groups, trained)
