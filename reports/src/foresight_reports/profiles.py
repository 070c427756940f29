"""Score by tap depth of one encoder, everything after the tap being equal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from foresight_reports import metrics
from foresight_reports.board import Board, Row
from foresight_reports.records import Record

STAGES = ("pixels", "patch_embed", "embed", "block", "pre_merge", "post_merge", "last", "projector", "llm")
"""Places along an encoder, from the picture to the language model."""


@dataclass(frozen=True)
class Profile:
    """One encoder's scores in the order of depth."""

    board: Board
    encoder: str
    rest: str
    label: str
    taps: Sequence[str]
    rows: Sequence[Row]
    records: Sequence[Record]


def depth(tap: str) -> tuple[int, int, str]:
    """Sort key of a tap: its stage, then its number.

    >>> sorted(["llm.14", "block.11", "patch_embed", "block.02", "last"], key=depth)
    ['patch_embed', 'block.02', 'block.11', 'last', 'llm.14']
    """
    stem = re.split(r"[.\d]", tap, maxsplit=1)[0].rstrip("_") or tap
    digits = re.findall(r"\d+", tap)
    place = STAGES.index(stem) if stem in STAGES else STAGES.index("last")
    return (place, int(digits[-1]) if digits else 0, tap)


def profiles(board: Board, metric: str | None = None) -> list[Profile]:
    """Profiles of a board: encoders of which at least three taps were run with the same rest of the pipeline."""
    name = metric or board.primary.metric
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in board.rows:
        axes = row.any_record.axes
        if not len(axes.encoders) == len(axes.taps) == 1:
            continue
        rest = "/".join((axes.enhancer, axes.fusion, axes.decoder))
        if row.value(name) is not None:
            found.setdefault((axes.encoders[0], rest, row.pipeline.run), {})[axes.taps[0]] = row
    result = []
    for (encoder, rest, _), rows in sorted(found.items(), key=lambda item: item[0]):
        if len(rows) < 3:
            continue
        taps_in_order = sorted(rows, key=depth)
        ordered = [rows[tap] for tap in taps_in_order]
        result.append(
            Profile(board, encoder, rest, rest, taps_in_order, ordered, [row.records[name] for row in ordered])
        )
    return result


def by_encoder(found: Sequence[Profile]) -> list[list[Profile]]:
    """Profiles of one encoder together, the best line first, each named by what sets it apart."""
    groups = [list(group) for _, group in groupby(found, key=lambda each: each.encoder)]
    return [sorted(_labelled(group), key=_by_peak) for group in groups]


def peak(found: Profile) -> int:
    """Place of the best tap."""
    best = 0
    for place, record in enumerate(found.records):
        if metrics.better(record.direction, record.value or 0.0, found.records[best].value or 0.0):
            best = place
    return best


def _by_peak(found: Profile) -> tuple[float, str]:
    record = found.records[peak(found)]
    return ((record.value or 0.0) * (-1 if record.direction == "higher" else 1), found.rest)


def _labelled(group: Sequence[Profile]) -> list[Profile]:
    parts = [each.rest.split("/") for each in group]
    differing = [i for i in range(3) if len({part[i] for part in parts}) > 1]
    return [
        replace(each, label="/".join(part[i] for i in differing) or each.rest)
        for each, part in zip(group, parts, strict=True)
    ]
