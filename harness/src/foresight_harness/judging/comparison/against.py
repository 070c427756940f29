"""From the name of a baseline to a comparison with it. Reads both runs and writes into neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.judging.analyses.envelope import FOLDER, Analysis, write_analysis
from foresight_harness.judging.comparison import baselines
from foresight_harness.judging.comparison.acknowledging import Acknowledgement
from foresight_harness.judging.comparison.comparing import (
    Compared,
    compare,
    impossible,
    nothing_compared,
    regressed,
)
from foresight_harness.judging.comparison.detectable import blind, reach
from foresight_harness.judging.comparison.sentinels import Sentinels
from foresight_harness.judging.comparison.table import as_analysis, counted, finding
from foresight_harness.running.lifecycle.sealing import resealed
from foresight_harness.running.lifecycle.status import COMPLETE
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData


@dataclass(frozen=True)
class Target:
    """What a run is compared with."""

    name: str
    path: Path
    reason: str = ""
    acknowledged: tuple[Acknowledgement, ...] = ()
    refused: tuple[str, ...] = ()
    """Damaged baseline files that were passed over."""


@dataclass(frozen=True)
class Comparison:
    """A finished comparison: what terminal, page, JSON and CI all show."""

    target: Target
    found: tuple[Compared, ...]
    sentence: str
    counted: str
    """All numbers by verdict."""
    analysis: Analysis
    """The same as a table, in the form of ``analysis/regressions.json``."""
    reach: tuple[str, ...] = ()
    """What could have been seen."""
    blind: tuple[str, ...] = ()
    """Sentinels whose pictures are too few for what they must find."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands below the sentence, everywhere."""
        return (self.counted, *self.reach, *self.blind)

    @property
    def exit_regressed(self) -> bool:
        """Whether a sentinel got worse, unacknowledged."""
        return bool(regressed(self.found))

    @property
    def exit_impossible(self) -> bool:
        """Whether a sentinel could not be compared: what ``--strict`` does not let pass."""
        return bool(impossible(self.found))

    @property
    def exit_unknown(self) -> bool:
        """Whether nothing could be compared: no answer, whether or not one is demanded."""
        return nothing_compared(self.found)


def target_of(runs: Path, text: str) -> Target:
    """A baseline by name (``main`` or ``baseline:main``), or a run by folder or id (``run:ID``).

    Raises:
        UsageError: where there is neither.
        RunFolderError: where the baseline's run folder is gone.
    """
    kind, colon, name = text.partition(":")
    if not colon or kind not in ("baseline", "run"):
        kind, name = "", text
    if kind in ("", "baseline") and name in baselines.names(runs):
        found = baselines.current(runs, name)
        path = find_run(runs, found.run)
        return Target(name, path, found.reason, found.acknowledged, tuple(baselines.damaged(runs, name)))
    if kind != "baseline":
        for path in (Path(name), runs / name):
            if (path / "run.json").is_file():
                return Target(path.resolve().name, path.resolve())
    known = ", ".join(baselines.names(runs)) or "none"
    raise UsageError(f"--baseline {text!r}: no such baseline (there are: {known}) and no run folder of that name")


def require_complete(run: RunData) -> None:
    """Refuse a run that later ones cannot be compared with, because cells of it have no outcome. Raises: UsageError."""
    status = run.manifest.get("status")
    if status != COMPLETE:
        raise UsageError(
            f"{run.path.name} is {status}; only a complete run can be a baseline (pytest --resume finishes it)"
        )


def compare_with(head: Path, target: Target, sentinels: Sentinels) -> Comparison:
    """Compare a run with its target. Nothing is written into either.

    Raises:
        RunFolderError: where one of the folders is damaged or of a newer schema.
    """
    found = compare(RunData.load(target.path), RunData.load(head), sentinels, target.acknowledged)
    named = {"name": target.name, "run": target.path.name, "reason": target.reason}
    said, could, could_not = counted(found), reach(found), blind(found, sentinels)
    return Comparison(
        target,
        tuple(found),
        finding(found, target.name),
        said,
        as_analysis(found, named, [said, *could, *could_not]),
        tuple(could),
        tuple(could_not),
    )


def keep(run: Path, comparison: Comparison) -> None:
    """Write ``analysis/regressions.json`` into a run that was scored against a baseline: then it is its own finding."""
    with resealed(run, f"{FOLDER}/{comparison.analysis.kind}.json"):
        write_analysis(run, comparison.analysis)


def compare_all(first: Path, others: Sequence[Path], sentinels: Sentinels) -> list[Analysis]:
    """The first run against each other one, for a page about them; two that cannot be compared say why."""
    found = []
    for path in others:
        target = Target(path.name, path)
        try:
            found.append(compare_with(first, target, sentinels).analysis)
        except ForesightError as error:
            reason = f"Not compared with {target.name}: {' '.join(str(error).split())}"
            found.append(replace(as_analysis((), {"name": target.name, "run": path.name}), finding=reason))
    return found
