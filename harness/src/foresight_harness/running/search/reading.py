"""From the records of a rung to what the planner decides on. Reads files only, so that it can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.contracts.identity import cell_id
from foresight_harness.contracts.records import Record
from foresight_harness.planning.search.planner import Result, Score, replay
from foresight_harness.planning.search.race import RaceValues
from foresight_harness.planning.search.rungs import CLOSED_FORM, RACE
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.search.kept import Kept, Made, Target, made_rungs

NO_RECORD = "it left no record"
REFUSED = "its encoder was refused before ranking"


def results_of(run: Path, kept: Kept) -> list[Result]:
    """What came of every rung that was scored, in order. Raises: RunFolderError."""
    return [result_of(run, kept, made) for made in made_rungs(run)]


def result_of(run: Path, kept: Kept, made: Made) -> Result:
    """What came of one rung. Raises: RunFolderError where its folder is damaged or gone."""
    data = RunData.load(run / made.folder)
    rung = kept.search.rungs[made.rung]
    shared = {"rung": made.rung, "entering": made.entering, "keep": made.keep}
    told = {"seconds": made.seconds, "shortened": made.shortened}
    if rung.kind == CLOSED_FORM:
        assert kept.plain_target is not None
        records = records_of(data, kept.plain_target, kept.plain)
        wanted = {kept.search.streams[name] for name in made.entering}
        scores = {stream: score_of(found) for stream, found in records.items() if stream in wanted}
        direction = next((one.direction for one in records.values() if isinstance(one, Record)), None)
        return Result(**shared, scores=scores, direction=direction, **told)  # type: ignore[arg-type]
    found = records_of(data, kept.target, {name: name for name in made.entering})
    scores = {name: score_of(one) for name, one in found.items()}
    values = values_of(data, found) if rung.kind == RACE else None
    return Result(**shared, scores=scores, values=values, **told)  # type: ignore[arg-type]


def last_race(data: RunData, kept: Kept, results: list[Result]) -> Result:
    """The race on every test picture, which the run itself is."""
    survivors = replay(kept.search, results).survivors
    found = records_of(data, kept.target, {name: name for name in survivors})
    scores = {name: score_of(one) for name, one in found.items()}
    return Result(len(kept.search.rungs) - 1, survivors, None, scores, values_of(data, found))


def records_of(data: RunData, target: Target, names: Mapping[str, str]) -> dict[str, Record | str]:
    """By key of ``names`` the record of a candidate, or why there is none."""
    by_cell: dict[str, list[Record]] = {}
    for record in data.all_records:
        by_cell.setdefault(record.cell, []).append(record)
    found: dict[str, Record | str] = {}
    for key, candidate in names.items():
        own = by_cell.get(cell_id(candidate, target.suite, target.dataset), [])
        failed = next((record for record in own if not record.ok), None)
        fitting = [one for one in own if one.ok and (one.metric, one.probe) == (target.metric, target.probe)]
        if failed is not None:
            found[key] = str(failed.error or failed.status)
        elif not fitting or fitting[0].value is None:
            found[key] = f"it has no {target.metric}" if own else NO_RECORD
        else:
            found[key] = REFUSED if fitting[0].refused else fitting[0]
    return found


def score_of(found: Record | str) -> Score:
    """A record as a score."""
    if isinstance(found, str):
        return Score(None, error=" ".join(found.split())[:300])
    return Score(found.value, found.ci_low, found.ci_high, found.n, found.ci_method)


def values_of(data: RunData, found: Mapping[str, Record | str]) -> RaceValues | None:
    """Values of the candidates that have a score, picture by picture; None where there are none.

    Raises:
        UsageError: where the metric has no value a picture.
        RunFolderError: where samples are damaged, or not of the same pictures.
    """
    records = {name: record for name, record in found.items() if isinstance(record, Record)}
    if not records:
        return None
    samples = {name: data.values(record) for name, record in records.items()}
    known = {name: one for name, one in samples.items() if one is not None}
    if len(known) < len(records):
        metric = next(iter(records.values())).metric
        raise UsageError(f"--search: {metric} has no value a picture, so a race by it is none; name another metric")
    first = next(iter(known.values()))
    if any(one.samples != first.samples for one in known.values()):
        raise RunFolderError(f"{data.path}: candidates were not scored on the same samples")
    record = next(iter(records.values()))
    direction: Literal["higher", "lower"] = "lower" if record.direction == "lower" else "higher"
    return RaceValues(
        names=tuple(known),
        values=tuple(one.values for one in known.values()),
        groups=first.groups,
        trained=tuple(_trained(records[name]) for name in known),
        direction=direction,
        bounds=(record.range[0], record.range[1]),
    )


def _trained(record: Record) -> bool:
    """Whether another seed would give another number."""
    return len(record.seeds) > 1 or "fit" in record.details
