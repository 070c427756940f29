"""From a suite's outcome to records, sample file and media lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.identity import cell_id, digest
from foresight_harness.contracts.outcomes import Measurement, Outcome
from foresight_harness.contracts.records import Record
from foresight_harness.contracts.records.parts import Axes, LoadedModel, WeightsFile
from foresight_harness.contracts.records.record import REFUSED
from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.running.run_folder.folder import RunFolder
from foresight_harness.running.run_folder.intervals import summary_of_stats, summary_of_values
from foresight_harness.running.run_folder.media import write_pictures
from foresight_harness.running.run_folder.samples import rows_digest, sample_rows, write_samples
from foresight_harness.running.run_folder.sizes import module_sizes
from foresight_harness.running.run_folder.tokens import write_tokens

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell
    from foresight_harness.parts.weights.provenance import Provenance
    from foresight_harness.planning.candidates.resolve import ResolvedStream

TRACE_CHARS = 8000
"""The end of a traceback that a record keeps."""


def record_outcome(folder: RunFolder, cell: Cell, outcome: Outcome, wall_s: float) -> list[Record]:
    """Write samples and media of a cell and return its records, ready to be appended."""
    test = cell.split("test")
    _look_at_directions(cell, outcome)
    fault_of = cell.workshop.metrics.fault_of
    sound = [found for found in outcome.measurements if fault_of(found.metric) is None]
    rows = [row for measurement in sound for row in sample_rows(measurement, test.labels, cell.dataset.name, "test")]
    facts = {"run": folder.run_id, "cell": cell.id, "candidate": str(cell.candidate), "suite": cell.suite.name}
    with folder.writing():
        if rows:
            write_samples(folder.path / "samples" / f"{cell.id}.parquet", rows, facts)
        kept = write_tokens(folder.path, cell.id, outcome.tokens, test.labels, facts) if outcome.tokens else None
        shown = write_pictures(folder.path, cell.id, str(cell.candidate), cell.dataset.name, outcome.pictures)
    folder.append_media(shown)
    context = _context(cell, wall_s)
    shared: dict[str, Any] = {
        "params": dict(outcome.params) or None,
        "modules": module_sizes(cell.candidate, cell.workshop.options.feeding),
        "tokens": cell.candidate.tokens(cell.workshop.options.feeding),
        "samples_digest": rows_digest(rows) if rows else None,
        "tokens_digest": kept,
        "of_cell": len(outcome.measurements),
    }
    return [
        Record(
            **context | shared | _number(cell, measurement, context),
            controls_ok=outcome.controls_ok if measurement.controls_ok is None else measurement.controls_ok,
            details={**outcome.details, **measurement.details, **_undefined(cell, measurement), **_slots(cell)},
        )
        if fault_of(measurement.metric) is None
        else _broken_column(cell, measurement, context | shared)
        for measurement in outcome.measurements
    ]


def metric_choices(cell: Cell, metric: str) -> dict[str, str]:
    """What the protocol of one metric's records says beside the cell's, or of the metric that it is made of.

    ``metric_version`` where its spec says one; ``metric_definition`` of a metric on request.
    """
    known = cell.workshop.registry.metrics
    spec = known.get(metric) or known.get(metric.removesuffix("_share"))
    asked = spec or known.get(metric.removesuffix("_first_frame"))
    version = {"metric_version": spec.version} if spec is not None and spec.version else {}
    return version | ({"metric_definition": asked.definition()} if asked is not None and asked.on_request else {})


def _broken_column(cell: Cell, measurement: Measurement, context: Mapping[str, Any]) -> Record:
    """The record of a metric that gave nothing to believe: its column is lost, the others of the cell stand."""
    return Record(
        **context,
        metric=measurement.metric,
        probe=measurement.probe,
        value=None,
        unit=measurement.unit,
        direction=measurement.direction,
        status="failed",
        error=cell.workshop.metrics.fault_of(measurement.metric),
    )


def _undefined(cell: Cell, measurement: Measurement) -> dict[str, int]:
    """Samples without a value, of a metric of a plugin that left some out."""
    missing, of = cell.workshop.metrics.undefined.get(measurement.metric, (0, 0))
    return {"undefined": missing, "undefined_of": of} if missing else {}


def _slots(cell: Cell) -> dict[str, str]:
    """What was done to streams of clips that have unequal slots; nothing of others."""
    strides = [
        max(stream.encoder.tap(tap).stride_frames for tap in stream.ref.taps) for stream in cell.candidate.streams
    ]
    if len(set(strides)) < 2 or cell.split("test").clips.shape[0] < 2:
        return {}
    return {"over_time": f"streams averaged over the frames of the coarsest one's slots ({max(strides)} each)"}


def _look_at_directions(cell: Cell, outcome: Outcome) -> None:
    """Hold metrics of plugins against the controls: what knows the answer must be better than what knows nothing."""
    metrics = cell.workshop.metrics
    for found in outcome.measurements:
        if found.metric not in metrics.undefined or found.direction not in ("higher", "lower"):
            continue
        floor = _control_mean(cell, found.metric, "constant@") if found.floor is None else found.floor
        sign = 1.0 if found.direction == "higher" else -1.0
        if found.ceiling is not None and floor is not None and sign * (found.ceiling - floor) < 0:
            metrics.say(
                found.metric,
                f"direction {found.direction!r} is declared, and {found.ceiling_by or 'the ceiling'} reads "
                f"{found.ceiling:.4g}, the floor {floor:.4g}, which would be better: declare the other direction",
            )


def _control_mean(cell: Cell, metric: str, start: str) -> float | None:
    """What a control of the cell's suite scored on its data set; None where there is none."""
    calibration = cell.workshop.calibrations.get((cell.suite.name, str(cell.dataset)))
    for candidate in calibration.candidates if calibration else ():
        known = calibration and calibration.outcomes.get(cell_id(str(candidate), cell.suite.name, str(cell.dataset)))
        if known and str(candidate).startswith(start):
            values = [found.values for found in known.measurements if found.metric == metric]
            return float(np.nanmean(values[0])) if values and values[0] is not None else None
    return None


def protocol_of(cell: Cell, measurement: Measurement) -> dict[str, Any]:
    """Every choice that decides what this number means: of a probe other than the suite's own, that probe's."""
    choices = cell.protocol() | metric_choices(cell, measurement.metric)
    if measurement.probe_choices is None:
        return choices
    kept = {name: value for name, value in choices.items() if not name.startswith("probe_")}
    return kept | {f"probe_{name}": value for name, value in measurement.probe_choices.items()}


def protocols_of(cell: Cell, outcome: Outcome) -> dict[str, dict[str, Any]]:
    """The protocols of a cell's records by digest."""
    found = [protocol_of(cell, measurement) for measurement in outcome.measurements] or [cell.protocol()]
    return {digest(choices): choices for choices in found}


def _number(cell: Cell, measurement: Measurement, context: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a record that are a measurement's own."""
    groups = cell.split("test").labels.groups
    value, interval, n = _summary(measurement, groups, cell.scale.resamples)
    per_sample = "values" if measurement.values is not None else "stats" if measurement.stats else None
    trusted = all(model.kind in ("published", "none") or model.trusted for model in context["provenance"])
    trusted = trusted and context["admission"] != REFUSED
    return {
        "protocol": digest(protocol_of(cell, measurement)),
        "status": "ok",
        "metric": measurement.metric,
        "probe": measurement.probe,
        "value": _finite(value),
        "unit": measurement.unit,
        "direction": measurement.direction,
        "range": tuple(measurement.range),
        "n": n,
        "ci_low": _finite(interval[0]) if interval else None,
        "ci_high": _finite(interval[1]) if interval else None,
        "ci_method": interval[2] if interval else None,
        "floor": _finite(measurement.floor),
        "floor_by": measurement.floor_by,
        "ceiling": _finite(measurement.ceiling),
        "ceiling_by": measurement.ceiling_by,
        "null": dict(measurement.null) if measurement.null else None,
        "seeds": tuple(measurement.seeds),
        "per_sample": per_sample,
        "resamples": cell.scale.resamples if per_sample else None,
        "gateable": trusted and measurement.gateable and cell.candidate.role == "candidate",
    }


def _summary(
    measurement: Measurement, groups: Sequence[str], count: int
) -> tuple[float | None, tuple[float, float, str] | None, int]:
    """Value, (low, high, method) of its interval or None, and the number of samples behind it."""
    if measurement.values is None and not measurement.stats:
        interval = measurement.interval
        named = (*interval, measurement.interval_method or "") if interval else None
        return measurement.value, named, measurement.n or 0
    if measurement.values is not None:
        found = summary_of_values(measurement.values, groups, count)
    else:
        found = summary_of_stats(measurement.stats or (), groups, count)
    ends = found.interval
    return found.mean, (ends.low, ends.high, ends.method) if ends else None, found.n


def failure_record(cell: Cell, status: str, message: str, trace: str, wall_s: float) -> Record:
    """The one record of a cell that has no number."""
    try:
        context = _context(cell, wall_s)
    except Exception:  # the failure that is being recorded may be the very one that hides provenance or protocol
        context = _certain(cell, wall_s)
    end = without_secrets(trace)[-TRACE_CHARS:]
    line = one_line(without_secrets(message))
    return Record(**context, metric="", value=None, status=status, error=line, trace=end, of_cell=1)


def _certain(cell: Cell, wall_s: float) -> dict[str, Any]:
    """Fields of a record that are known whatever happened to its cell."""
    candidate = cell.candidate
    return {
        "cell": cell.id,
        "candidate": str(candidate),
        "axes": Axes(
            encoders=tuple(candidate.candidate.encoders),
            taps=tuple(tap for stream in candidate.streams for tap in stream.ref.taps),
            streams=tuple(str(stream.ref) for stream in candidate.streams),
            depths=tuple(depth_of(stream) for stream in candidate.streams),
            families=tuple(stream.encoder.family for stream in candidate.streams),
            objectives=tuple(stream.encoder.objective for stream in candidate.streams),
            enhancer=candidate.enhancer.name,
            fusion=candidate.fusion.name,
            decoder=candidate.candidate.decoder,
        ),
        "role": candidate.role,
        "suite": cell.suite.name,
        "dataset": cell.dataset.name,
        "split": "test",
        "dtype": cell.workshop.options.dtype,
        "device": cell.workshop.options.device,
        "wall_s": round(wall_s, 4),
    }


def depth_of(stream: ResolvedStream) -> float | None:
    """Place of a stream's tap among its encoder's, 0 the first, 1 the last; None for several taps or one on offer."""
    names = [tap.name for tap in stream.encoder.taps]
    if len(stream.ref.taps) != 1 or len(names) < 2:
        return None
    return round(names.index(stream.ref.taps[0]) / (len(names) - 1), 4)


def _context(cell: Cell, wall_s: float) -> dict[str, Any]:
    """Fields that all records of a cell share."""
    return _certain(cell, wall_s) | {
        "fingerprint": cell.workshop.splits.built(cell.dataset, "test").fingerprint,
        "protocol": cell.protocol_digest(),
        "provenance": _provenance(cell),
        **_admission(cell),
        "attention": _attention(cell),
    }


def _admission(cell: Cell) -> dict[str, str | None]:
    found = cell.workshop.admission.of(cell)
    if found is None:
        return {"admission": None, "admission_reason": None}
    return {"admission": found.status, "admission_reason": found.line}


def _provenance(cell: Cell) -> tuple[LoadedModel, ...]:
    models = []
    for name in cell.candidate.candidate.encoders:
        spec = cell.workshop.registry.encoder(name)
        if cell.workshop.admission.weightless(name):
            models.append(LoadedModel(part="encoder", name=name, kind="none"))
        else:
            lineage = cell.workshop.registry.lineage(name)
            trusted = _is_trusted(cell, name, spec.name, lineage[-1].name)
            models.append(_loaded("encoder", name, cell.workshop.extraction.provenance(spec), trusted))
    if cell.suite.uses_decoder:
        name = cell.candidate.candidate.decoder
        trusted = _is_trusted(cell, name, cell.candidate.decoder.base)
        models.append(_loaded("decoder", name, cell.workshop.latents.provenance(cell.candidate.decoder), trusted))
    return tuple(models)


def _loaded(part: str, name: str, found: Provenance | None, trusted: bool) -> LoadedModel:
    if found is None:
        return LoadedModel(part=part, name=name, kind="none")
    return LoadedModel(
        part=part,
        name=name,
        kind=found.kind,
        sha256=found.sha256,
        repo=None if found.repo is None else without_secrets(found.repo),
        revision=found.revision,
        seed=found.seed,
        files=tuple(WeightsFile(name=file.name, sha256=file.sha256, bytes=file.bytes) for file in found.files),
        remarks=found.remarks,
        trusted=trusted and found.kind == "pretrained",
        quantize=found.quantize,
    )


def _is_trusted(cell: Cell, *names: str) -> bool:
    """Whether the user vouches for trained weights of these names; nothing but unknown ones needs it."""
    return any(name in cell.workshop.options.trusted_weights for name in names)


def _attention(cell: Cell) -> str:
    split = cell.split("test")
    chosen = []
    for stream in cell.candidate.streams:
        base = stream.run[-1]
        choices = cell.workshop.extraction.choices(base, stream.ref.taps[0], split)
        chosen.append("none" if base.params == 0 else str(choices["attention"]))
    return "+".join(dict.fromkeys(chosen))


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
