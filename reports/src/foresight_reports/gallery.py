"""Samples to look at: target, ceiling, what each candidate made of it, and the boxes; the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from foresight_reports.board import Board, Pipeline
from foresight_reports.pictures import Picture, PictureStore
from foresight_reports.reading import Run
from foresight_reports.records import number

WORST, OTHERS, CANDIDATES = 6, 3, 6
"""Samples and candidates that a single file shows; folder mode shows four times the samples and all candidates."""

LOWER = ("error", "lpips", "loss", "distance")
"""Parts of the names of metrics of which less is better."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Shot:
    """What one candidate made of one sample."""

    candidate: str
    anchor: str
    weights: str
    role: str
    metric: str
    value: float | None
    cell: str
    picture: Picture | None
    error: Picture | None
    boxes_true: Sequence[Box]
    boxes_predicted: Sequence[Box]
    label: str


@dataclass(frozen=True)
class Ceiling:
    """What a decoder's own round trip makes of a sample: the best that a candidate with it can reach."""

    decoder: str
    picture: Picture | None
    value: float | None


@dataclass(frozen=True)
class Sample:
    """One sample with its shots; ``reason`` says why it is shown."""

    dataset: str
    name: str
    reason: str
    target: Picture | None
    ceilings: Sequence[Ceiling]
    shots: Sequence[Shot]
    value: float | None


@dataclass(frozen=True)
class Gallery:
    """All samples of one kind of picture: ``output`` (reconstructions), ``boxes`` or ``clip``."""

    kind: str
    metric: str
    direction: str
    samples: Sequence[Sample]
    sample_count: int
    shown_candidates: int
    candidate_count: int
    scale_max: float | None


def galleries(run: Run, boards: Sequence[Board], store: PictureStore) -> list[Gallery]:
    """The galleries of one run, each with its worst samples first and then some that chance picked."""
    found = (_gallery(kind, run, boards, store) for kind in ("output", "boxes", "clip"))
    return [gallery for gallery in found if gallery is not None]


def _gallery(kind: str, run: Run, boards: Sequence[Board], store: PictureStore) -> Gallery | None:
    lines = [line for line in run.media if line.get("kind") == kind and line.get("candidate") is not None]
    if not lines:
        return None
    metric = next((str(line["metric"]) for line in lines if line.get("metric")), "")
    direction = _direction(metric, boards)
    places = _places(metric, boards)
    names = sorted({str(line["candidate"]) for line in lines}, key=lambda name: (places.get(name, 10**6), name))
    limit = CANDIDATES if store.inline else len(names)
    shown = names[:limit]
    by_sample: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        if str(line["candidate"]) in shown:
            by_sample.setdefault((str(line.get("dataset") or ""), str(line.get("sample") or "")), []).append(line)
    total = len({(str(line.get("dataset")), str(line.get("sample"))) for line in lines})
    beside = _beside(run)
    samples = []
    for key, reason in _choose(by_sample, direction, 1 if store.inline else 4):
        mine = sorted(by_sample[key], key=lambda line: shown.index(str(line["candidate"])))
        samples.append(_sample(run, store, key, reason, mine, beside, boards))
    scale = next((number(line.get("scale_max")) for line in run.media if line.get("kind") == "error"), None)
    return Gallery(kind, metric, direction, samples, total, len(shown), len(names), scale)


def _direction(metric: str, boards: Sequence[Board]) -> str:
    known = next((c.direction for b in boards for c in b.columns if c.metric == metric), "")
    # Pictures may have a metric that no table has.
    return known or ("lower" if any(word in metric for word in LOWER) else "higher")


def _places(metric: str, boards: Sequence[Board]) -> dict[str, int]:
    """Order of candidates in the first board that has the metric."""
    board = next((b for b in boards if any(c.metric == metric for c in b.columns)), None)
    rows = [*board.rows, *board.controls] if board else []
    return {row.pipeline.candidate: place for place, row in reversed(list(enumerate(rows)))}


def _beside(run: Run) -> dict[tuple[str, str, str, str], Mapping[str, Any]]:
    """Lines that stand beside a shot, by kind, data set, sample and candidate (empty for the shared ones)."""
    found: dict[tuple[str, str, str, str], Mapping[str, Any]] = {}
    for line in run.media:
        kind = str(line.get("kind"))
        candidate = str(line.get("candidate") or "") if kind in ("error", "round_trip") else ""
        found.setdefault((kind, str(line.get("dataset") or ""), str(line.get("sample") or ""), candidate), line)
    return found


def _choose(
    by_sample: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], direction: str, factor: int
) -> list[tuple[tuple[str, str], str]]:
    """Names of the samples to show. Chance is the hash of the name, so that a page can be made twice."""

    def badness(key: tuple[str, str]) -> tuple[float, tuple[str, str]]:
        values = [v for line in by_sample[key] if (v := number(line.get("value"))) is not None]
        if not values:
            return (float("inf"), key)
        mean = sum(values) / len(values)
        return (mean if direction == "higher" else -mean, key)

    # The worst of many candidates are scattered over samples: one that most candidates met says more.
    most = max(len(lines) for lines in by_sample.values())
    met = [key for key, lines in by_sample.items() if 2 * len(lines) >= most]
    ordered = sorted(met, key=badness)
    worst = ordered[: WORST * factor]
    rest = [key for key in by_sample if key not in worst and not _picked(by_sample[key])]
    rest.sort(key=lambda key: sha256("\n".join(key).encode("utf-8", "replace")).digest())
    return [(key, "worst") for key in worst] + [(key, "chance") for key in rest[: OTHERS * factor]]


def _picked(lines: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the harness kept this sample for its score: then it is no chance that it is here.

    Clips are kept wrong ones first and labelled with what was read from them.
    """
    return all(line.get("label") not in (None, "", "as they come") for line in lines)


def _sample(
    run: Run,
    store: PictureStore,
    key: tuple[str, str],
    reason: str,
    lines: Sequence[Mapping[str, Any]],
    beside: Mapping[tuple[str, str, str, str], Mapping[str, Any]],
    boards: Sequence[Board],
) -> Sample:
    dataset, name = key
    target = beside.get(("target", dataset, name, ""), {})
    shots = []
    ceilings: dict[str, Ceiling] = {}
    for line in lines:
        candidate = str(line["candidate"])
        error = beside.get(("error", dataset, name, candidate), {})
        weights, role = _facts(candidate, boards)
        decoder = candidate.rsplit("/", 1)[-1]
        trip = beside.get(("round_trip", dataset, name, candidate)) or beside.get(("round_trip", dataset, name, ""))
        if trip is not None and decoder not in ceilings:
            ceilings[decoder] = Ceiling(decoder, store.shot(run.path, trip), number(trip.get("value")))
        shots.append(
            Shot(
                candidate=candidate,
                anchor=Pipeline(run.name, candidate, "", "", "").anchor,
                weights=weights,
                role=role,
                metric=str(line.get("metric") or ""),
                value=number(line.get("value")),
                cell=str(line.get("cell") or ""),
                picture=store.shot(run.path, line),
                error=store.shot(run.path, error),
                boxes_true=boxes(line.get("boxes_true")),
                boxes_predicted=boxes(line.get("boxes_predicted")),
                label="" if line.get("label") in ("worst", "as they come") else str(line.get("label") or ""),
            )
        )
    values = [shot.value for shot in shots if shot.value is not None]
    mean = sum(values) / len(values) if values else None
    return Sample(
        dataset,
        name,
        reason,
        store.shot(run.path, target),
        list(ceilings.values()),
        shots,
        mean,
    )


def _facts(candidate: str, boards: Sequence[Board]) -> tuple[str, str]:
    for board in boards:
        for row in (*board.rows, *board.controls):
            if row.pipeline.candidate == candidate:
                return row.weights, row.role
    return "none", "candidate"


def boxes(value: object) -> list[Box]:
    """Boxes of a line, the ones that are four finite numbers."""
    found: list[Box] = []
    for box in value if isinstance(value, list) else []:
        ends = [number(end) for end in box] if isinstance(box, list) else []
        if len(ends) == 4 and None not in ends:
            x0, y0, x1, y1 = (min(1.0, max(0.0, end or 0.0)) for end in ends)
            found.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    return found
