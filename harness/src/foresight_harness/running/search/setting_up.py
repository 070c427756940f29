"""From the cells of a session to a search: what is sought, among whom, by which rungs. Every slip is said here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_harness.contracts.errors import CandidateError, UsageError
from foresight_harness.contracts.specs import SuiteSpec
from foresight_harness.planning.candidates import Candidate, ResolvedCandidate, resolve
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell, lacking
from foresight_harness.planning.recipes import latents_recipe
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.registry import nearest
from foresight_harness.planning.search.planner import Search
from foresight_harness.planning.search.rungs import CLOSED_FORM, STEPS, Rung, SearchTable, default_rungs
from foresight_harness.running.search.kept import Kept, Target
from foresight_harness.running.search.rung_options import require_enough

IN_CLOSED_FORM = "spatial"
"""Suite that judges streams without training, where the search's own would train an adapter."""


@dataclass(frozen=True)
class Hunt:
    """A search that is about to begin."""

    kept: Kept
    pool: tuple[PlannedCell, ...]
    """A cell of the searched suite a candidate."""
    plain: tuple[PlannedCell, ...]
    """Cells of the closed-form rung."""


def set_up(table: SearchTable, cells: Sequence[PlannedCell], registry: Registry, options: RunOptions) -> Hunt:
    """The search among the candidates of these cells.

    Args:
        table: What the matrix says of it.
        cells: Of the session.
        registry: What is on offer.
        options: Of the run.

    Raises:
        UsageError: in one line that says what to do.
    """
    pool, suite = _pool(table, cells, registry)
    if len(pool) < 2:
        raise UsageError(f"--search: {len(pool)} candidate to search among in {suite.name}; leave --search out")
    if not any(_is_trained(cell, options) for cell in pool):
        raise UsageError(
            f"--search: none of {len(pool)} candidates is trained in {suite.name}, so shorter fits save nothing; leave "
            "--search out"
        )
    require_enough(options.sizes)
    metric, direction = _metric(table.metric, suite, registry)
    dataset = pool[0].dataset
    target = Target(suite.name, metric, registry.primary_probe.name if suite.probed else None, str(dataset))
    rungs = table.rungs or default_rungs(options.sizes.steps, options.sizes.test)
    _check_steps(rungs, options)
    streams = {str(cell.candidate): _streams(cell.candidate) for cell in pool}
    plain, plain_target = _plain(rungs, pool, suite, target, registry, options)
    if not plain:
        rungs = tuple(rung for rung in rungs if rung.kind != CLOSED_FORM)
    search = Search(tuple(rungs), streams, direction)
    names = {stream: str(cell.candidate) for stream, cell in plain.items()}
    return Hunt(Kept(search, target, names, plain_target, options.budget), tuple(pool), tuple(plain.values()))


def _pool(table: SearchTable, cells: Sequence[PlannedCell], registry: Registry) -> tuple[list[PlannedCell], SuiteSpec]:
    """One cell a candidate in the searched suite on one data set."""
    there = {cell.suite.name: cell.suite for cell in cells if cell.suite.read_by and not cell.suite.timed}
    if table.suite is not None:
        registry.suite(table.suite)
    if table.suite is not None and table.suite not in there:
        raise UsageError(
            f"--search seeks by suite {table.suite!r}, which this session does not score{nearest(table.suite, there)}"
        )
    ranked = [name for name in registry.suites if name in there and there[name].ranked_by]
    if not ranked:
        raise UsageError("--search: no suite of this session ranks candidates; add spatial or reconstruction")
    suite = there[table.suite or ranked[0]]
    own = [cell for cell in cells if cell.suite.name == suite.name and cell.candidate.role == "candidate"]
    sets = list(dict.fromkeys(str(cell.dataset) for cell in own))
    wanted = table.dataset or (sets[0] if sets else "")
    if sets and wanted not in sets:
        raise UsageError(f"--search seeks on data set {wanted!r}, and {suite.name} is scored on {', '.join(sets)}")
    return list({str(cell.candidate): cell for cell in own if str(cell.dataset) == wanted}.values()), suite


def _metric(named: str | None, suite: SuiteSpec, registry: Registry) -> tuple[str, str]:
    """The metric that candidates are ranked by, and which way is better."""
    known = registry.metrics_of(suite)
    if named is None:
        named = next((name for name in suite.read_by if name in registry.metrics), suite.read_by[0])
    if named not in known:
        raise UsageError(
            f"--search seeks by metric {named!r}, which {suite.name} does not record{nearest(named, known)}"
        )
    if known[named].direction == "none":
        raise UsageError(f"--search seeks by metric {named!r}, which is a fact without a better side")
    return named, known[named].direction


def _check_steps(rungs: Sequence[Rung], options: RunOptions) -> None:
    for rung in rungs:
        if rung.kind == STEPS and rung.steps is not None and rung.steps > options.sizes.steps:
            raise UsageError(
                f"--search: a rung of {rung.steps} steps is longer than the run's own fits of {options.sizes.steps}; "
                "shorten it, or raise --steps"
            )


def _is_trained(cell: PlannedCell, options: RunOptions) -> bool:
    """Whether steps have anything to find."""
    if cell.candidate.trainable:
        return True
    weights = latents_recipe(options.recipe, options.sizes).weights
    return cell.suite.uses_decoder and (cell.candidate.decoder.adapter != "linear" or set(weights) != {"latent_mse"})


def _streams(candidate: ResolvedCandidate) -> str:
    return "+".join(map(str, candidate.candidate.streams))


def _plain(
    rungs: Sequence[Rung],
    pool: Sequence[PlannedCell],
    suite: SuiteSpec,
    target: Target,
    registry: Registry,
    options: RunOptions,
) -> tuple[dict[str, PlannedCell], Target | None]:
    """For each stream of the pool a candidate without trained parts, where there can be one; and what ranks them."""
    rung = next((one for one in rungs if one.kind == CLOSED_FORM), None)
    if rung is None:
        return {}, None
    linear = next(
        (cell.candidate.candidate.decoder for cell in pool if cell.candidate.decoder.adapter == "linear"), None
    )
    own = rung.suite in (None, suite.name) and (not suite.uses_decoder or linear is not None)
    judged = suite if own else registry.suite(rung.suite or IN_CLOSED_FORM)
    dataset = pool[0].dataset
    if absent := lacking(judged, dataset, registry):
        if rung.suite is None:
            return {}, None
        raise UsageError(f"--search: rung closed_form judges by {judged.name}, and {dataset} carries no {absent[0]}")
    metric, _ = _metric(rung.metric or (target.metric if judged is suite else None), judged, registry)
    found: dict[str, PlannedCell] = {}
    for cell in pool:
        made = _without_training(cell.candidate, registry, linear or "linear")
        if made is None:
            continue
        one = PlannedCell(made, judged, dataset, cell.clips)
        if not _is_trained(one, options):
            found.setdefault(_streams(cell.candidate), one)
    probe = registry.primary_probe.name if judged.probed else None
    return found, Target(judged.name, metric, probe, str(dataset))


def _without_training(candidate: ResolvedCandidate, registry: Registry, decoder: str) -> ResolvedCandidate | None:
    """The candidate's streams with nothing between them and the readout that steps must find; None where none is."""
    streams = candidate.candidate.streams
    fusions = [name for name, spec in registry.fusions.items() if not spec.trainable]
    for fusion in ["single"] if len(streams) == 1 else fusions:
        try:
            found = resolve(Candidate(streams, "identity", fusion, decoder), registry)
        except CandidateError:
            continue
        if not found.trainable:
            return found
    return None
