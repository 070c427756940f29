"""Scoring from Python: the same options by the same names as the command's, the same run folder on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.contracts.progress import Progress, silent
from foresight_harness.contracts.specs import SuiteSpec
from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.judging.analyses.catalogue import conclude
from foresight_harness.judging.comparison.against import Target, compare_with, keep, require_complete, target_of
from foresight_harness.judging.comparison.sentinels import Sentinels, read_sentinels, sentinel_file
from foresight_harness.judging.gates.gate_files import answers_of, find_gates, keep_answers, keep_gates
from foresight_harness.measuring.suites.efficiency import WARMUP
from foresight_harness.measuring.suites.timing import PlainTimer
from foresight_harness.planning.candidates import Selection, select_candidates, suites_of
from foresight_harness.planning.candidates.fitting import check_fitting
from foresight_harness.planning.candidates.loading import check_loading
from foresight_harness.planning.candidates.twins import with_twins
from foresight_harness.planning.named_files import folders_of, places
from foresight_harness.planning.options import RunOptions, Scale
from foresight_harness.planning.options.file import merged, read_options
from foresight_harness.planning.options.metric_names import check_metrics
from foresight_harness.planning.options.probe_names import check_probes
from foresight_harness.planning.options.run_options import as_texts, check_names, run_options
from foresight_harness.planning.plan import all_cells_of, check_datasets, check_sources, in_running_order
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.running.costs.limits import check_disk, check_loaders
from foresight_harness.running.engines.engines import engine_for
from foresight_harness.running.exporters import check_exports, check_installed
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.lifecycle.resuming import check_resume
from foresight_harness.running.lifecycle.status import COMPLETE, FAILED, INTERRUPTED, RUNNING, STOPPED
from foresight_harness.running.run_folder.folder import check_writable
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.report_writers import write_report
from foresight_harness.surface.run import Run, open_run


def score(
    candidates: str | Sequence[str] = (),
    suite: str | Sequence[str] | None = None,
    dataset: str | Sequence[str] | None = None,
    *,
    sizes: Scale | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
    config: str | Path | None = None,
    **options: Any,
) -> Run:
    """Score candidates and keep the run.

    Args:
        candidates: Candidate strings, or globs over the matrix; nothing is every candidate of the matrix.
        suite: One suite or several by name; None is what the matrix names, else every default suite.
        dataset: ``NAME`` or ``NAME:PATH``, one or several; None is the matrix's, else the default ones.
        sizes: Sizes handed in instead of those that ``scale`` names.
        registry: What is on offer; None is everything that is installed.
        progress: Where lines about the work go; None is nowhere.
        config: A file of options; None is ``foresight.toml`` in the working folder, if there is one.
        options: Everything else by the command's long names: ``scale="small"``, ``device="cuda"``, ``train_size=200``.
            What is given here wins over the file.

    Returns:
        The finished run. A cell that fails stands in ``Run.failures`` and does not end the rest.

    Raises:
        UsageError: before any work, where what is asked for cannot be done.
        RunFolderError: where the run folder cannot be written.
    """
    command = _call({"candidates": candidates, "suite": suite, "dataset": dataset, **options})
    common: dict[str, Any] = {"sizes": sizes, "registry": registry, "progress": progress, "config": config}
    keeper = opened(candidates, suite, dataset, command=command, **common, **options)
    baseline = _baseline(keeper.options)
    how = INTERRUPTED
    try:
        how = _score_all(keeper)
    except Exception:
        how = FAILED
        raise
    finally:
        keeper.close(how)
    if keeper.settled:
        return open_run(keeper.folder.path)
    conclude(keeper.folder.path)
    if baseline is not None:
        keep(keeper.folder.path, compare_with(keeper.folder.path, *baseline))
    write_report(keeper.folder.path)
    keeper.seal()
    return open_run(keeper.folder.path)


def opened(
    candidates: str | Sequence[str] = (),
    suite: str | Sequence[str] | None = None,
    dataset: str | Sequence[str] | None = None,
    *,
    sizes: Scale | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
    config: str | Path | None = None,
    command: str = "foresight_harness.score(...)",
    **options: Any,
) -> RunKeeper:
    """A run with its plan, before its first cell: for programs that score cells one by one. Arguments as ``score``.

    Raises:
        UsageError: where what is asked for cannot be done.
    """
    check_names(options)
    registry = registry or load_registry()
    named = {"candidate": as_texts(candidates), "dataset": None if dataset is None else as_texts(dataset)}
    given = merged(read_options(config), options | {name: value for name, value in named.items() if value})
    selection = select_candidates(
        registry,
        as_texts(given.get("candidate") or ()),
        given.get("matrix"),
        folders_of("matrices"),
        given.get("scale"),
        as_texts(given.get("weights_source") or ()),
    )
    chosen = run_options(given, selection, sizes)
    if chosen.search:
        raise UsageError("search=True: a program scores all that it names; use foresight-bench search")
    suites = [registry.suite(name) for name in (suites_of(selection, registry) if suite is None else as_texts(suite))]
    _check(registry, selection, chosen)
    selection = with_twins(selection, registry, chosen)
    cells = in_running_order(all_cells_of(selection, suites, registry, chosen))
    if not cells:
        raise UsageError(_nothing_fits(suites, chosen))
    check_loaders(cells, chosen)
    check_disk(cells, chosen)
    if chosen.resume:
        check_resume(registry, chosen, cells, f"{command} without resume=True")
    gates = find_gates(chosen.gates, folders_of("gates"), registry)
    answers = answers_of(chosen.answers, gates, folders_of("gates"), registry)
    keeper = RunKeeper(registry, chosen, progress or silent(), command)
    keeper.describe(left_out=list(selection.left_out))
    keeper.plan(cells)
    if gates and not keeper.settled:
        folder = keeper.folder.path
        keeper.describe(gates=keep_gates(folder, gates), answers=keep_answers(folder, answers))
        keeper.write_manifest(RUNNING)
    return keeper


def _check(registry: Registry, selection: Selection, options: RunOptions) -> None:
    """What the pytest plugin checks before any work. Raises: UsageError, RunFolderError."""
    if registry.broken and options.strict_plugins:
        raise UsageError("; ".join(str(plugin.error) for plugin in registry.broken))
    check_exports(options.exports)
    check_installed(options.exports)
    check_datasets(registry, options)
    check_probes(registry, options.probes)
    check_metrics(registry, options.metrics)
    check_sources(selection.candidates, options)
    check_loading(selection.candidates, options)
    check_fitting(selection.candidates, options)
    check_writable(options.out)


def _nothing_fits(suites: Sequence[SuiteSpec], options: RunOptions) -> str:
    named = ", ".join(suite.name for suite in suites)
    needed = ", ".join(sorted({label for suite in suites for label in suite.labels})) or "nothing"
    given = ", ".join(map(str, options.datasets))
    return f"no data set of {given} has what {named} needs ({needed}); name one that has, with dataset="


def _score_all(keeper: RunKeeper) -> str:
    """Score every planned cell. A cell that fails has its record; the rest goes on. Returns: how it ended."""
    engine = engine_for(keeper, keeper.planned)
    failed = 0
    try:
        for planned in list(keeper.planned):
            try:
                engine.score(planned, PlainTimer(WARMUP) if planned.suite.live_encoder else None)
            except RunFolderError:
                raise
            except Exception:  # its record says what went wrong
                failed += 1
                if keeper.options.max_failures is not None and failed >= keeper.options.max_failures:
                    return STOPPED
    finally:
        engine.close()
    return COMPLETE


def _baseline(options: RunOptions) -> tuple[Target, Sentinels] | None:
    """What the run is to be compared with, found before any work. Raises: UsageError."""
    if options.baseline is None:
        return None
    target = target_of(options.out, options.baseline)
    require_complete(RunData.load(target.path))
    return target, read_sentinels(sentinel_file(places()))


def _call(given: Mapping[str, Any]) -> str:
    """What to write to repeat this."""
    said = ", ".join(f"{name}={value!r}" for name, value in given.items() if value)
    return one_line(without_secrets(f"foresight_harness.score({said})"))
