"""Records against each other, and against what ``run.json`` says of options, data, protocols and suites."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from foresight_harness.contracts.identity import cell_id
from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.run_data import RunData

OF_CELL = (
    *("candidate", "axes", "role", "suite", "dataset", "split", "fingerprint", "provenance", "dtype", "device"),
    *("attention", "wall_s", "params", "modules", "tokens", "samples_digest", "tokens_digest", "of_cell"),
)
"""Fields in which all records of one cell agree."""
TRUSTED = ("published", "none")
"""Kinds of weights that a gate takes without being told."""
Of = Callable[[Record], Any]


def check_records(run: RunData) -> Iterator[str]:
    """One line for each record that contradicts another one or the manifest."""
    for record in run.all_records:
        for reason in _alone(record, run.manifest):
            yield f"{named(record)}: {reason}"
    yield from _of_one_cell(run.all_records)
    measured = run.records
    shared: tuple[tuple[str, Of, tuple[str, ...]], ...] = (
        ("suite and metric", lambda one: (one.suite, one.metric), ("unit", "direction")),
        ("suite, metric and features", _of_range, ("range",)),
        (
            "suite, metric, probe, data set and decoder",
            lambda one: (one.suite, one.metric, one.probe, one.dataset, one.reads_decoder and one.axes.decoder),
            ("floor_by", "ceiling_by", "resamples", "per_sample"),
        ),
        ("candidate", lambda one: one.candidate, ("role", "axes")),
    )
    for words, key, names in shared:
        yield from _disagreements(measured, words, key, names)
    yield from _models(measured)
    yield from _data(run)
    yield from _facts(run)


def _of_range(record: Record) -> tuple[Any, ...]:
    """Where one range holds: a fact without a better side may be bounded by the width of its features."""
    return record.suite, record.metric, record.axes.streams if record.direction == "none" else ()


def named(record: Record) -> str:
    """As problems call it."""
    probe = f" by {record.probe}" if record.probe else ""
    return f"{record.suite} {record.metric or 'failure'}{probe} of {record.candidate} on {record.dataset}"


def _alone(record: Record, manifest: Mapping[str, Any]) -> Iterator[str]:
    options = manifest.get("options") or {}
    if "run" in manifest and record.run not in ("", manifest["run"]):
        yield f"run is {record.run}, that of the folder {manifest['run']}"
    for name in ("dtype", "device"):
        if name in options and getattr(record, name) != options[name]:
            yield f"{name} is {getattr(record, name)} in its record and {options[name]} in run.json"
    streams, _, modules = record.candidate.partition("/")
    parts = modules.split("/")
    if len(parts) == 3 and tuple(parts) != (record.axes.enhancer, record.axes.fusion, record.axes.decoder):
        yield f"axes are of {record.axes.enhancer}/{record.axes.fusion}/{record.axes.decoder}"
    if record.axes.streams and "+".join(record.axes.streams) != streams:
        yield f"axes are of {'+'.join(record.axes.streams)}"
    if record.ok != bool(record.metric):
        yield f"status is {record.status}, and it {'has' if record.metric else 'names no'} metric"
    if not record.ok and not record.error:
        yield "it failed, and no reason is given"
    if record.gateable and record.role != "candidate":
        yield f"it may pass gates, and is a {record.role}"
    bad = [model for model in record.provenance if not (model.kind in TRUSTED or model.trusted)]
    if record.gateable and bad and "trusted_weights" in options:
        yield f"it may pass gates on {bad[0].kind} weights of {bad[0].name}"
    for model in record.provenance:
        yield from _origin(model.name, model.kind, model.sha256, model.seed, model.trusted, options)
    low, high = record.range
    if record.value is not None and (
        (low is not None and record.value < low - 1e-6) or (high is not None and record.value > high + 1e-6)
    ):
        yield f"value {record.value:g} lies outside its range"


def _origin(
    name: str, kind: str, sha256: str | None, seed: int | None, trusted: bool, options: Mapping[str, Any]
) -> Iterator[str]:
    if (kind == "none") != (sha256 is None):
        yield f"weights of {name} are {kind}, and have {'no digest' if sha256 is None else 'a digest'}"
    if kind == "random" and seed is None:
        yield f"weights of {name} are random, and have no seed"
    if kind in ("pretrained", "published") and seed is not None:
        yield f"weights of {name} are {kind}, and have the seed of random ones"
    if trusted and "trusted_weights" in options and not options["trusted_weights"]:
        yield f"weights of {name} are vouched for, and nobody said so (--trust-weights)"


def _of_one_cell(records: Sequence[Record]) -> Iterator[str]:
    cells: dict[str, list[Record]] = {}
    for record in records:
        cells.setdefault(record.cell, []).append(record)
    for cell, own in cells.items():
        first = own[0]
        for name in OF_CELL:
            if any(getattr(one, name) != getattr(first, name) for one in own[1:]):
                yield f"cell {cell} ({first.candidate}): its records differ in {name}"


def _disagreements(records: Sequence[Record], words: str, key: Of, names: Sequence[str]) -> Iterator[str]:
    groups: dict[Any, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    for own in groups.values():
        for name in names:
            values: dict[str, list[Record]] = {}
            for one in own:
                values.setdefault(repr(getattr(one, name)), []).append(one)
            if len(values) > 1:
                odd = min(values.values(), key=len)[0]
                yield f"{named(odd)}: {name} is another than in the other records of that {words}"


def _models(records: Sequence[Record]) -> Iterator[str]:
    """One model has one origin in a run."""
    known: dict[tuple[str, str], Any] = {}
    for record in records:
        for model in record.provenance:
            first = known.setdefault((model.part, model.name), model)
            if first != model:
                yield f"{named(record)}: {model.part} {model.name} is not of the weights that other records name"


def _data(run: RunData) -> Iterator[str]:
    """Fingerprints of records, of their protocols and of the manifest; ids of cells."""
    listed: dict[tuple[str, str], set[str]] = {}
    for one in run.manifest.get("datasets") or ():
        listed.setdefault((str(one["name"]), str(one["split"])), set()).add(str(one["fingerprint"]))
    protocols = run.manifest.get("protocols") or {}
    paths = {(str(one["suite"]), str(one["dataset"]).partition(":")[0]): str(one["dataset"]) for one in run.cells}
    for record in run.all_records:
        known = listed.get((record.dataset, record.split), set() if "sessions" in run.manifest else None)
        if known is not None and record.ok and record.fingerprint is not None and record.fingerprint not in known:
            yield f"{named(record)}: fingerprint is none of those that run.json lists for {record.dataset}"
        choices = protocols.get(record.protocol) or {}
        for name, value in (
            ("suite", record.suite),
            ("dataset", record.dataset),
            (f"fingerprint_{record.split}", record.fingerprint),
        ):
            if value is not None and choices.get(name, value) != value:
                yield f"{named(record)}: its protocol is of another {name.partition('_')[0]}"
        dataset = paths.get((record.suite, record.dataset))
        if (
            dataset is None
            or "..." in dataset
            or sum(name == record.dataset for _, name in paths)
            > len({suite for suite, name in paths if name == record.dataset})
        ):
            continue
        planned = {str(one["cell"]) for one in run.cells}
        if record.cell not in planned and record.cell != cell_id(record.candidate, record.suite, dataset):
            yield f"{named(record)}: cell {record.cell} is not that of its candidate, suite and data set"


def _facts(run: RunData) -> Iterator[str]:
    """Units and directions against what the suite said of its metrics."""
    stated = run.manifest.get("suite_facts") or {}
    facts = {
        (suite, str(metric["name"])): metric for suite, told in stated.items() for metric in told.get("metrics") or ()
    }
    for record in run.records:
        metric = facts.get((record.suite, record.metric))
        for name in ("unit", "direction"):
            if metric is not None and metric.get(name) not in (None, getattr(record, name)):
                yield f"{named(record)}: {name} is {getattr(record, name)!r}, and its suite says {metric[name]!r}"
