"""The fits of a finished run: as it kept them, else fitted again under its protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.records import Record
from foresight_harness.contracts.specs import SuiteSpec
from foresight_harness.judging.gates.gate import fits
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.measuring.workshop.workshop import Workshop
from foresight_harness.parts.training.recipe import Objective
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import parse_dataset
from foresight_harness.planning.options.options import options_from_json
from foresight_harness.planning.options.storage import place_of
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.registry import nearest
from foresight_harness.running.kept_fits import ShapedFit, read_fit
from foresight_harness.running.run_folder.run_data import RunData

PLACES_SUITE = "spatial"
"""Whose primary probe is exported with the fit for places."""


@dataclass(frozen=True)
class Obtained:
    """A fit, its cell, and where it came from."""

    cell: Cell
    objective: Objective
    seed: int
    shaped: ShapedFit
    kept: bool
    """Whether the run kept it; else it was fitted again."""
    record: Record
    """Of the run: its protocol is the fit's."""


def candidate_of(data: RunData, name: str) -> str:
    """The candidate of a run by its name, or by a glob that one fits. Raises: UsageError."""
    known = list(dict.fromkeys(record.candidate for record in data.records))
    found = [one for one in known if one == name] or [one for one in known if fits(one, [name])]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{name!r} fits {len(found)} candidates, {', '.join(found[:3])} among them; name one")
    raise UsageError(f"no candidate {name!r} in {data.path.name}{nearest(name, set(known))}")


def records_by_objective(data: RunData, candidate: str, dataset: str | None, registry: Registry) -> dict[str, Record]:
    """For each objective that the candidate was scored by one record of it, ``latents`` first.

    Raises:
        UsageError: where there is none, naming the data sets that there are.
    """
    own = [record for record in data.records if record.candidate == candidate]
    asked = [record for record in own if dataset in (None, record.dataset)]
    found: dict[str, Record] = {}
    for record in asked:
        suite = registry.suites.get(record.suite)
        objective = None if suite is None else objective_of(suite)
        if objective is not None and (dataset is not None or record.dataset == asked[0].dataset):
            found.setdefault(objective, record)
    if not found:
        on = ", ".join(dict.fromkeys(record.dataset for record in own))
        raise UsageError(
            f"{candidate} has no fit in {data.path.name}: suites spatial, reconstruction and alignment make them; it "
            f"was scored on {on}"
        )
    return {name: found[name] for name in ("latents", "places") if name in found}


def objective_of(suite: SuiteSpec) -> Objective | None:
    """What a suite's candidates are fitted for; None where it asks for no fit of one's own."""
    if suite.uses_decoder:
        return None if suite.live_encoder else "latents"
    return "places" if suite.name == PLACES_SUITE else None


def cell_of(data: RunData, record: Record, registry: Registry, workshop: Workshop) -> Cell:
    """The cell behind a record, ready to be fitted again."""
    planned = next((one for one in data.cells if one["cell"] == record.cell), None)
    dataset = parse_dataset(str(planned["dataset"] if planned else record.dataset))
    return Cell(workshop, resolve(parse_candidate(record.candidate), registry), registry.suite(record.suite), dataset)


def workshop_of(data: RunData, registry: Registry, progress: Progress, cache: str | None = None) -> Workshop:
    """A workshop under the run's own options, and its cache unless another one is named.

    Raises:
        UsageError: for a run that does not say its options.
    """
    stated = data.manifest.get("options")
    if not isinstance(stated, dict) or "datasets" not in stated:
        raise UsageError(f"{data.path.name} does not say its options; score it anew with --keep-fits")
    asked = replace(options_from_json(stated), resume=False, strict_plugins=False)
    if cache is not None:
        folder, url = place_of(cache)
        asked = replace(asked, cache=folder, cache_url=url)
    return Workshop(registry, asked, progress)


def obtain(data: RunData, cell: Cell, record: Record, objective: Objective, seed: int) -> Obtained:
    """The fit as the run kept it, else fitted again.

    Raises:
        UsageError: where the seed was not fitted, or the fit would be another one today: which choice differs.
    """
    seeds = record.seeds or (0,)
    if seed not in seeds:
        raise UsageError(f"--seed {seed}: {data.path.name} has {', '.join(map(str, seeds))}")
    kept = read_fit(data.path, cell, objective, seed)
    if kept is not None:
        return Obtained(cell, objective, seed, kept, True, record)
    differing = differences(data, record, cell)
    if differing:
        raise UsageError(
            f"{data.path.name} kept no fit of {record.candidate}, and one made now would not be the run's: "
            f"{', '.join(differing[:3])}; score it with --keep-fits"
        )
    try:
        fitted = cell.fitted_for_latents(seed) if objective == "latents" else cell.fitted_for_places(seed)
        streams, split = cell.streams("train"), cell.split("train")
        latents = cell.workshop.latents.of(cell.candidate.decoder, split).shape if objective == "latents" else None
    except ForesightError as error:
        raise UsageError(
            f"{data.path.name} kept no fit of {record.candidate}, and it cannot be fitted here ({error}); score it "
            "with --keep-fits"
        ) from error
    return Obtained(cell, objective, seed, ShapedFit(fitted, streams.shapes(), latents), False, record)


def differences(data: RunData, record: Record, cell: Cell) -> list[str]:
    """Choices of the protocol that are not what they were when the run was scored, in words."""
    then: dict[str, Any] = (data.manifest.get("protocols") or {}).get(record.protocol) or {}
    now = json.loads(json.dumps(cell.protocol()))
    return [f"{name} was {then[name]} and is {now[name]}" for name in now if name in then and then[name] != now[name]]


def inputs_of(cell: Cell, shaped: ShapedFit) -> tuple[list[str], list[Any], list[list[int]]]:
    """Inputs by ``encoder@tap``, each once, their shapes, and by stream the places of its taps among them."""
    names: list[str] = []
    shapes: list[Any] = []
    order = []
    for stream, taps in zip(cell.candidate.streams, shaped.taps, strict=True):
        places = []
        for tap, shape in zip(stream.ref.taps, taps, strict=True):
            name = f"{stream.ref.encoder}@{tap}"
            if name not in names:
                names.append(name)
                shapes.append(shape)
            places.append(names.index(name))
        order.append(places)
    return names, shapes, order
