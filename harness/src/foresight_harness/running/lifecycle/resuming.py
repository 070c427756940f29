"""What a run may be resumed with: equal options, cells, code, versions and data. Anything else is named and refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.contracts.identity import cell_id, digest
from foresight_harness.contracts.progress import silent
from foresight_harness.contracts.records import SCHEMA, Record
from foresight_harness.contracts.records.record import check_schema
from foresight_harness.contracts.text import without_secrets_in
from foresight_harness.measuring.extraction import Splits
from foresight_harness.measuring.extraction.splits import SPLITS
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.measuring.workshop.workshop import Workshop
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import Registry
from foresight_harness.running.lifecycle.holding import hold
from foresight_harness.running.run_folder.environment import code_digest, environment, hardware
from foresight_harness.running.run_folder.folder import find_run, manifest_of
from foresight_harness.running.run_folder.record_file import whole_records

OPTIONS: Mapping[str, str] = {
    "scale": "--scale",
    "datasets": "--dataset",
    "weights": "--weights",
    "weights_sources": "--weights-source",
    "trusted_weights": "--trust-weights",
    "device": "--device",
    "dtype": "--dtype",
    "cache_dtype": "--cache-dtype",
    "attention": "--attention",
    "quantize": "--quantize",
    "device_map": "--device-map",
    "seeds": "--seeds",
    "steps": "--steps",
    "patience": "--patience",
    "learning_rate": "--learning-rate",
    "train_size": "--train-size",
    "picture_px": "--picture-px",
    "input": "--input",
    "probes": "--probe",
    "metrics": "--metric",
    "recipe": "--recipe",
}
"""Options that have a part in the numbers, and how they are given. Where a run is kept, what carries it out and what
ends it may change: records are the same."""
NOT_VERSIONS = ("git_sha", "git_dirty", "platform")
"""Facts of the environment that say nothing of the code that runs: the core's and the plugins' digests do."""
SHOWN = 12
"""Differences that the line names."""
LONGEST = 80


def check_resume(registry: Registry, options: RunOptions, cells: Sequence[PlannedCell], anew: str) -> None:
    """Refuse to go on with a run that was begun otherwise, before any work.

    Args:
        registry: What is on offer now.
        options: Of this session.
        cells: Planned now.
        anew: What to type to start a new run instead.

    Raises:
        UsageError: in one line that names each difference and the command, or the process that keeps the run now.
        RunFolderError: where there is no run to resume.
    """
    run = find_run(options.out, damaged=True)
    hold(run).let_go()
    kept = manifest_of(run)
    if not kept:  # lost: each cell is held against its records instead
        return
    check_schema(kept.get("schema", SCHEMA), str(run / "run.json"))
    found = list(_differences(kept, whole_records(run / "records.jsonl"), registry, options, cells))
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise UsageError(
            f"--resume: {run.name} was begun with something else: {'; '.join(found[:SHOWN])}{more}. "
            f"To start anew: {anew}"
        )


def _differences(
    kept: Mapping[str, Any],
    records: Sequence[Record],
    registry: Registry,
    options: RunOptions,
    cells: Sequence[PlannedCell],
) -> Iterator[str]:
    asked = list(_of_options(kept, options))
    yield from asked
    yield from _of_cells(kept, cells)
    yield from _of_code(kept, registry)
    yield from _of_versions(kept, registry, cells)
    if asked:  # other sizes are other data, and other weights other files: said once is enough
        return
    yield from _of_data(kept, registry, options, cells)
    yield from _of_weights(records, registry, options, cells)


def _of_options(kept: Mapping[str, Any], options: RunOptions) -> Iterator[str]:
    then, now = _mapping(kept.get("options")), without_secrets_in(json.loads(json.dumps(options.as_json())))
    for name, option in OPTIONS.items():
        if name in then and then[name] != now[name]:
            yield f"{option} was {_said(then[name])} and is {_said(now[name])}"
    if {name for name in OPTIONS if name in then and then[name] != now[name]} & {
        "scale",
        "seeds",
        "steps",
        "train_size",
    }:
        return  # the sizes follow from them
    sizes = json.loads(json.dumps(asdict(options.sizes)))
    for name, size in _mapping(kept.get("sizes")).items():
        asked = name in ("canvas_px", "clip_px") and then.get("picture_px") != now["picture_px"]
        if name in sizes and sizes[name] != size and not asked:
            yield f"size {name} was {_said(size)} and is {_said(sizes[name])}"


def _of_cells(kept: Mapping[str, Any], cells: Sequence[PlannedCell]) -> Iterator[str]:
    """Candidates, suites and data sets that are asked for."""
    if not kept.get("cells") or not isinstance(kept["cells"], list):  # a run of before, or a search without a plan yet
        return
    then = {tuple(str(one.get(name)) for name in ("candidate", "suite", "dataset")) for one in kept["cells"]}
    now = {tuple(without_secrets_in(list(key))) for key in map(_key, cells)}
    for words, extra in (("were not planned", now - then), ("are not asked for any more", then - now)):
        for place, part in enumerate(("candidates", "suites", "data sets")):
            other = {key[place] for key in (then if extra <= now else now)}
            if names := sorted({key[place] for key in extra} - other):
                yield f"{part} that {words}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
                break
        else:
            if extra:
                candidate, suite, dataset = min(extra)
                yield f"{len(extra)} cells that {words}: {candidate} in {suite} on {dataset} first"


def _of_code(kept: Mapping[str, Any], registry: Registry) -> Iterator[str]:
    if kept.get("code") and kept["code"] != code_digest():
        yield "the code of foresight_harness was changed"
    then = {str(one.get("name")): one for one in kept.get("plugins") or () if isinstance(one, Mapping)}
    now = {plugin.name: plugin for plugin in registry.plugins}
    if not then:
        return
    for name in sorted({*then, *now}):
        if name not in now:
            yield f"plugin {name} is not installed any more"
        elif name not in then:
            yield f"plugin {name} was not installed"
        elif then[name].get("version") != now[name].version:
            yield f"plugin {name} had version {then[name].get('version')} and has {now[name].version}"
        elif then[name].get("digest") != now[name].digest:
            yield f"the code of plugin {name} was changed"


def _of_versions(kept: Mapping[str, Any], registry: Registry, cells: Sequence[PlannedCell]) -> Iterator[str]:
    then, now = _mapping(kept.get("environment")), environment(registry.environment)
    for name in sorted(({*then, *now} - {*NOT_VERSIONS}) if then else ()):
        if then.get(name) != now.get(name):
            yield f"{name} was {_said(then.get(name))} and is {_said(now.get(name))}"
    machine = _mapping(kept.get("hardware")).get("fingerprint")
    timed = sorted({cell.suite.name for cell in cells if cell.suite.timed})
    if timed and machine and machine != hardware()["fingerprint"]:
        yield f"it is another machine, and {timed[0]} measures time"


def _of_data(
    kept: Mapping[str, Any], registry: Registry, options: RunOptions, cells: Sequence[PlannedCell]
) -> Iterator[str]:
    then: dict[tuple[str, str], set[str]] = {}
    for one in kept.get("datasets") or ():
        if isinstance(one, Mapping):
            then.setdefault((str(one.get("name")), str(one.get("split"))), set()).add(str(one.get("fingerprint")))
    splits = Splits(registry, options, None)  # type: ignore[arg-type]  # nothing is decoded, so nothing is stored
    now: dict[tuple[str, str], set[str]] = {}
    for choice in dict.fromkeys(cell.dataset for cell in cells):
        for split in SPLITS:
            if (choice.name, split) not in then:
                continue
            try:
                fingerprint = splits.built(choice, split).fingerprint
            except ForesightError as error:
                yield f"data set {choice.name} cannot be read ({error})"
                return
            now.setdefault((choice.name, split), set()).add(fingerprint)
    for key in now:
        if not then[key] <= now[key]:
            yield f"the content of data set {key[0]} ({key[1]}) was changed"


def _of_weights(
    records: Sequence[Record], registry: Registry, options: RunOptions, cells: Sequence[PlannedCell]
) -> Iterator[str]:
    """Files of weights that were replaced under an unchanged name."""
    then = {
        (model.part, model.name): model.sha256
        for record in records
        for model in record.provenance
        if model.sha256 is not None and model.kind != "random"
    }
    if not then:
        return
    workshop = Workshop(registry, options, silent())
    for name in dict.fromkeys(name for cell in cells for name in cell.candidate.candidate.encoders):
        if ("encoder", name) not in then:
            continue
        try:
            found = workshop.extraction.provenance(registry.encoder(name))
        except ForesightError as error:
            yield f"the weights of {name} cannot be had ({error})"
            continue
        if found.sha256 != then["encoder", name]:
            yield f"the weights of {name} were replaced"


class WholeKey:
    """Whether a session would score a cell as its records say that it was scored: the whole key, not only names."""

    def __init__(self, workshop: Workshop, protocols: Mapping[str, Any], fingerprints: Collection[str]) -> None:
        """For the planned cells of a workshop.

        Args:
            workshop: Of the session that goes on.
            protocols: Digest -> choices, of all that the sessions before have told. A record of another one is of a
                cell to score again: what it means would stand nowhere.
            fingerprints: Of the data that they have told of.
        """
        self._workshop = workshop
        self._by_id = {cell_id(*_key(cell)): cell for cell in workshop.planned}
        self._beside = {(cell.suite.name, cell.dataset.name): cell for cell in workshop.planned}
        self._protocols, self._fingerprints = dict(protocols), set(fingerprints)

    def __call__(self, records: Sequence[Record]) -> bool:
        """The records of one cell. One that is neither planned nor scored beside a planned one is left as it is."""
        first = records[0]
        if any(one.protocol is not None and one.protocol not in self._protocols for one in records):
            return False
        if any(one.fingerprint is not None and one.fingerprint not in self._fingerprints for one in records):
            return False
        own = self._by_id.get(first.cell)
        planned = own or self._beside.get((first.suite, first.dataset))
        if planned is None:
            return True
        options = self._workshop.options
        if any((one.dtype, one.device) != (options.dtype, options.device) for one in records):
            return False
        cell = Cell(self._workshop, planned.candidate, planned.suite, planned.dataset)
        test = self._workshop.splits.built(cell.dataset, "test").fingerprint
        if any(one.fingerprint not in (None, test) for one in records):
            return False
        if own is None:  # a control: its protocol is that of the cell that it was scored for
            return True
        wanted = cell.protocol()
        stated = {one.protocol for one in records if one.protocol is not None}
        return not stated or digest(wanted) in stated or self._equal_but_for_the_probe(stated, wanted)

    def _equal_but_for_the_probe(self, stated: set[str], wanted: Mapping[str, Any]) -> bool:
        known = [self._protocols[name] for name in stated if isinstance(self._protocols.get(name), Mapping)]
        return any(_without_probe(choices) == _without_probe(wanted) for choices in known)


def _without_probe(choices: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in choices.items() if not name.startswith("probe_")}
    found: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return found


def _key(cell: PlannedCell) -> tuple[str, str, str]:
    return str(cell.candidate), cell.suite.name, str(cell.dataset)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _said(value: Any) -> str:
    if value is None or value == []:
        return "not given"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
