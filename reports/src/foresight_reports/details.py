"""Everything about one candidate: all its numbers, stages, parameters, weights and fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports import charts, metrics
from foresight_reports.attended import Shares, shares_figure
from foresight_reports.board import Board, Row
from foresight_reports.lines import Lines, fit_figure, frame_figure, place_figure
from foresight_reports.reading import Run
from foresight_reports.records import Model, Record, number

FITS = {"fit": "fit of the candidate", "probe_fit": "fit of the probe"}
PER_FRAME = "_per_frame"
SHARES = "stream_shares"
Stages = list[tuple[str, float, float]]


@dataclass(frozen=True)
class Curve:
    """A fit curve: drawn as a small line, its ends written."""

    name: str
    path: str
    first: float
    last: float
    length: int


@dataclass(frozen=True)
class Candidate:
    """One candidate of one run with all that its records say."""

    anchor: str
    name: str
    run: str
    role: str
    weights: str
    boards: Sequence[tuple[Board, Row]]
    failed: Sequence[Record]
    parameters: Sequence[tuple[str, float]]
    provenance: Sequence[Model]
    stages: Sequence[tuple[str, Stages]]
    curves: Sequence[Curve]
    figures: Sequence[Lines]
    shares: Sequence[Shares]
    facts: Sequence[tuple[str, str]]
    cells: Sequence[tuple[str, str]]


def candidates(runs: Sequence[Run], boards: Sequence[Board]) -> list[Candidate]:
    """All candidates and controls, in the order of the first board that ranks them."""
    rows: dict[tuple[str, str], list[tuple[Board, Row]]] = {}
    ordered = [(board, row) for board in boards for row in board.rows]
    ordered += [(board, row) for board in boards for row in board.controls]
    for board, row in ordered:
        rows.setdefault((row.pipeline.run, row.pipeline.candidate), []).append((board, row))
    failed: dict[tuple[str, str], list[Record]] = {}
    for run in runs:
        for record in run.records:
            if record.status != "ok":
                failed.setdefault((run.name, record.candidate), []).append(record)
    return [_candidate(*key, rows[key], failed.get(key, [])) for key in rows]


def _candidate(run: str, name: str, rows: Sequence[tuple[Board, Row]], failed: Sequence[Record]) -> Candidate:
    records = [record for _, row in rows for record in row.records.values()]
    params = next((record.params for record in records if record.params), {})
    figures, known = figures_of(records)
    stages, curves, facts = _details(records, known)
    first = rows[0][1]
    facts = [*_conditions(first.any_record), *facts]
    cells = dict.fromkeys((board.group.suite, row.any_record.cell) for board, row in rows if row.any_record.cell)
    return Candidate(
        anchor=first.pipeline.anchor,
        name=name,
        run=run,
        role=first.role,
        weights=first.weights,
        boards=rows,
        failed=failed,
        parameters=list(params.items()),
        provenance=list(dict.fromkeys(model for record in records for model in record.provenance)),
        stages=stages,
        curves=curves,
        figures=figures,
        shares=shares_of(records),
        facts=facts,
        cells=list(cells),
    )


def _conditions(record: Record) -> list[tuple[str, str]]:
    pairs = [("dtype", record.dtype), ("device", record.device), ("attention", record.attention)]
    pairs.append(("tokens a picture", "+".join(f"{count:,}" for count in record.tokens or ())))
    pairs.append(("seeds", ", ".join(str(seed) for seed in record.seeds)))
    return [(name, value) for name, value in pairs if value]


def figures_of(records: Sequence[Record]) -> tuple[list[Lines], frozenset[str]]:
    """What is drawn with axes, once a suite, data set and probe, and the names of details that need not be written."""
    found: dict[tuple[str, ...], Lines | None] = {}
    known: set[str] = set()
    for record in records:
        where = f"{record.suite} on {record.dataset}"
        for name, value in record.details.items():
            if name in FITS and isinstance(value, Mapping):
                key = (name, where, (record.probe or "") if name == "probe_fit" else "")
                drawn = found.setdefault(key, fit_figure(f"{FITS[name]}: {where}", value))
                known |= {f"{name}.loss", f"{name}.held_out"} if drawn else set()
            elif name.endswith(PER_FRAME):
                title = f"{name.removesuffix(PER_FRAME).replace('_', ' ')} by frame: {where}"
                drawn = found.setdefault(
                    (name, where), frame_figure(title, value, record.details.get(f"{name}_round_trip"))
                )
                known |= {name, f"{name}_round_trip"} if drawn else set()
            elif name == "centres":
                by = f" by {record.probe}" if record.probe else ""
                found.setdefault((name, where, by), place_figure(f"places found{by}: {where}", value))
                known |= {name}
    return [figure for figure in found.values() if figure is not None], frozenset(known)


def shares_of(records: Sequence[Record]) -> list[Shares]:
    """Attention by stream, once for each suite, data set and probe that kept it."""
    found: dict[str, Shares | None] = {}
    for record in records:
        if (value := record.details.get(SHARES)) is not None:
            name = f"attention by stream: {record.suite} on {record.dataset}"
            found.setdefault(name, shares_figure(name, value))
    return [figure for figure in found.values() if figure is not None]


def _details(
    records: Sequence[Record], known: frozenset[str] = frozenset()
) -> tuple[list[tuple[str, Stages]], list[Curve], list[tuple[str, str]]]:
    """Sort free details by their form: times by stage, lists of numbers as curves, everything else as facts."""
    stages: dict[str, Stages] = {}
    curves: dict[str, Curve] = {}
    facts: dict[str, str] = {}
    for record in records:
        # What is said about the controls stands under their board; shares are drawn.
        for name, value in _flat({k: v for k, v in record.details.items() if k not in ("controls", SHARES)}):
            if name in known:
                continue
            if isinstance(value, Mapping):
                numbers = {str(k): n for k, v in value.items() if (n := number(v)) is not None}
                stages.setdefault(name, charts.bars(numbers))
            elif isinstance(value, list) and len(value) >= 3 and all(number(each) is not None for each in value):
                series = [float(each) for each in value]
                curves.setdefault(name, Curve(name, charts.spark(series), series[0], series[-1], len(series)))
            elif value not in (None, "", []):
                facts.setdefault(name, _fact(value))
    return list(stages.items()), list(curves.values()), list(facts.items())


def _fact(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_fact(each) for each in value)
    return metrics.write(value) if isinstance(value, float) else str(value)


def _flat(details: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values, inner objects opened; times by stage stay together."""
    for key, value in details.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and not (str(key).endswith("_ms") and value):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
