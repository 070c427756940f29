"""The plan: which cells a command means, in which order, and what they will cost. Runs nothing, imports no torch."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import DecoderSpec, EncoderSpec, ProbeSpec, SuiteSpec
from foresight_harness.planning.candidates import ResolvedCandidate, Selection, candidates_of
from foresight_harness.planning.candidates.resolve import ResolvedStream
from foresight_harness.planning.options import DEFAULT_DATASETS, DatasetChoice, RunOptions, Scale
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.registry import nearest


@dataclass(frozen=True)
class PlannedCell:
    """One candidate in one suite on one data set."""

    candidate: ResolvedCandidate
    suite: SuiteSpec
    dataset: DatasetChoice
    clips: bool = False
    """Whether the data set is one of clips, which are fewer and have frames."""
    probes: tuple[ProbeSpec, ...] = ()
    """Asked for beside the primary one; empty where the suite reads by none."""


@dataclass(frozen=True)
class Cost:
    """What a plan will do at most, before the cache is asked."""

    cells: int
    forwards: int
    """Pictures through encoders."""
    feature_bytes: int
    fits: int
    """Trained fits: candidate x objective x data set x seed."""


def check_datasets(registry: Registry, options: RunOptions) -> None:
    """Refuse unknown data sets and absent paths. Raises: UsageError, CandidateError."""
    for choice in options.datasets:
        spec = registry.dataset(choice.name)
        if spec.needs_path and choice.path is None:
            raise UsageError(f"--dataset {choice.name} needs a folder: --dataset {choice.name}:DIR")
        if choice.path is not None and not spec.needs_path:
            raise UsageError(
                f"--dataset {choice}: {choice.name} brings its own samples and reads no path; pictures of your own are "
                f"folder:{choice.path}, with boxes coco:{choice.path}"
            )
        if choice.path is not None and not spec.path_is_name and not Path(choice.path).exists():
            raise UsageError(f"--dataset {choice}: {choice.path} does not exist")


def check_sources(candidates: Sequence[ResolvedCandidate], options: RunOptions) -> None:
    """Refuse a ``--weights-source`` that no candidate would use, that its model cannot take, or that is not there; and
    a ``--trust-weights`` of what no candidate has.

    Raises:
        UsageError: in one line.
    """
    loading: dict[str, EncoderSpec | DecoderSpec] = {}
    for candidate in candidates:
        loading |= {spec.name: spec for stream in candidate.streams for spec in stream.lineage}
        loading[candidate.decoder.name] = candidate.decoder
    for chosen in options.weights_sources:
        if chosen.name not in loading:
            hint = nearest(chosen.name, loading)
            raise UsageError(f"--weights-source {chosen}: no candidate of this run has {chosen.name!r}{hint}")
        if not {"pretrained", "nano"} & set(loading[chosen.name].weights):
            raise UsageError(f"--weights-source {chosen}: {chosen.name} loads no pretrained weights")
        if chosen.is_path and not Path(chosen.source).exists():
            raise UsageError(f"--weights-source {chosen}: {chosen.source} does not exist")
    for name in options.trusted_weights:
        if name not in loading:
            raise UsageError(f"--trust-weights {name}: no candidate of this run has it{nearest(name, loading)}")


def lacking(suite: SuiteSpec, choice: DatasetChoice, registry: Registry) -> list[str]:
    """Labels that a suite needs and a data set does not carry, sorted."""
    return sorted(suite.labels - registry.dataset(choice.name).labels_of(choice.path))


def unfed(suite: SuiteSpec, registry: Registry, options: RunOptions) -> list[str]:
    """For each data set that was asked for and that a suite cannot be scored on: one sentence that says why."""
    if options.datasets == tuple(map(DatasetChoice, DEFAULT_DATASETS)):
        return []
    return [
        f"{suite.name} is not scored on {choice}: it carries no {' and no '.join(absent)}"
        for choice in options.datasets
        if (absent := lacking(suite, choice, registry))
    ]


def datasets_of(suite: SuiteSpec, registry: Registry, options: RunOptions) -> tuple[DatasetChoice, ...]:
    """The data sets of a run that a suite can be scored on, in the order given."""
    fitting = tuple(choice for choice in options.datasets if not lacking(suite, choice, registry))
    if not fitting and suite.own_dataset and options.datasets == tuple(map(DatasetChoice, DEFAULT_DATASETS)):
        fitting = (DatasetChoice(suite.own_dataset),)
    return fitting[:1] if suite.only_first_dataset else fitting


def cells_of(
    suite: SuiteSpec, candidate: ResolvedCandidate, registry: Registry, options: RunOptions
) -> list[PlannedCell]:
    """The cells of one candidate in one suite, one a data set."""
    probes = tuple(registry.probe(name) for name in options.probes) if suite.probed else ()
    return [
        PlannedCell(candidate, suite, choice, registry.dataset(choice.name).video, probes)
        for choice in datasets_of(suite, registry, options)
    ]


def distinct_for(suite: SuiteSpec, candidates: Sequence[ResolvedCandidate]) -> list[ResolvedCandidate]:
    """Candidates that a suite tells apart: one that reads no decoder scores those that differ in it alone once."""
    if suite.uses_decoder:
        return list(candidates)
    distinct: dict[Hashable, ResolvedCandidate] = {}
    for candidate in candidates:
        distinct.setdefault(modules_of(candidate), candidate)
    return list(distinct.values())


def all_cells_of(
    selection: Selection, suites: Sequence[SuiteSpec], registry: Registry, options: RunOptions
) -> list[PlannedCell]:
    """Every cell that a selection means in these suites, suite by suite."""
    return [
        cell
        for suite in suites
        for candidate in distinct_for(suite, candidates_of(selection, suite))
        for cell in cells_of(suite, candidate, registry, options)
    ]


def in_running_order(cells: Sequence[PlannedCell]) -> list[PlannedCell]:
    """Cells that share encoders together, those that need them live first, then those that share modules.

    Each encoder is built once and freed early, and a fit is asked for by all its suites before the next one is made.
    """
    encoders: dict[Hashable, int] = {}
    modules: dict[Hashable, int] = {}
    for cell in cells:
        encoders.setdefault(cell.candidate.candidate.encoders, len(encoders))
        modules.setdefault(modules_of(cell.candidate), len(modules))
    return sorted(
        cells,
        key=lambda cell: (
            encoders[cell.candidate.candidate.encoders],
            not cell.suite.live_encoder,
            modules[modules_of(cell.candidate)],
            cell.suite.running_place,
        ),
    )


def modules_of(resolved: ResolvedCandidate) -> Hashable:
    """What decides a candidate's conditioning: candidates that differ in the decoder alone share it."""
    candidate = resolved.candidate
    return candidate.streams, candidate.enhancer, candidate.fusion


def pictures_of(cell: PlannedCell, scale: Scale) -> int:
    """Pictures of both splits; of clips every frame, twice: as it happened and with frames exchanged."""
    if cell.clips:
        return 2 * scale.frames * (scale.clips_train + scale.clips_test)
    return scale.train + scale.test


def tap_bytes(stream: ResolvedStream, tap: str, pictures: int, options: RunOptions) -> int:
    """Bytes of one tap's features of that many pictures."""
    found = stream.encoder.tap(tap)
    cells_of_grid = found.cells(stream.side_px(options.feeding)) ** 2
    return pictures * cells_of_grid * found.width * options.feature_bytes


def cost_of(cells: Sequence[PlannedCell], options: RunOptions) -> Cost:
    """Upper bound of the work: shared extractions are counted once."""
    scale = options.sizes
    pictures = {str(cell.dataset): pictures_of(cell, scale) for cell in cells}
    taps = {
        (stream.ref.encoder, tap, str(cell.dataset)): stream
        for cell in cells
        for stream in cell.candidate.streams
        for tap in stream.ref.taps
    }
    passes = {
        (source.name, str(cell.dataset))
        for cell in cells
        for stream in cell.candidate.streams
        if (source := stream.run[-1]).inputs == "clips"
    }
    size = sum(tap_bytes(stream, tap, pictures[dataset], options) for (_, tap, dataset), stream in taps.items())
    fitted = {
        (str(cell.candidate), cell.suite.name, str(cell.dataset))
        for cell in cells
        if cell.candidate.trainable or (cell.suite.uses_decoder and cell.candidate.decoder.adapter != "linear")
    }
    return Cost(len(cells), sum(pictures[dataset] for _, dataset in passes), size, len(fitted) * scale.seeds)
