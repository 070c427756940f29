"""From the name of a baseline to a comparison written into a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.analyses.envelope import FOLDER, write_analysis
from foresight_harness.judging.comparison import baselines
from foresight_harness.judging.comparison.acknowledging import Acknowledgement
from foresight_harness.judging.comparison.comparing import (
    KIND,
    Compared,
    as_analysis,
    compare,
    finding,
    impossible,
    regressed,
)
from foresight_harness.judging.comparison.detectable import blind, reach
from foresight_harness.judging.comparison.sentinels import Sentinels
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.standing.sealing import resealed
from foresight_harness.running.standing.status import COMPLETE


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
    """A finished comparison."""

    target: Target
    found: tuple[Compared, ...]
    sentence: str
    reach: tuple[str, ...] = ()
    """What could have been seen."""
    blind: tuple[str, ...] = ()
    """Sentinels whose pictures are too few for what they must find."""
    exit_regressed: bool = field(default=False)
    exit_impossible: bool = field(default=False)


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


def compare_with(head: Path, target: Target, sentinels: Sentinels, *, keep: bool = True) -> Comparison:
    """Compare and, to ``keep`` it, write ``analysis/regressions.json`` into the head's folder.

    Raises:
        RunFolderError: where one of the folders is damaged or of a newer schema.
    """
    found = compare(RunData.load(target.path), RunData.load(head), sentinels, target.acknowledged)
    named = {"name": target.name, "run": target.path.name, "reason": target.reason}
    could, could_not = reach(found), blind(found, sentinels)
    if keep:
        with resealed(head, f"{FOLDER}/{KIND}.json"):
            write_analysis(head, as_analysis(found, named, [*could, *could_not]))
    return Comparison(
        target,
        tuple(found),
        finding(found, target.name),
        tuple(could),
        tuple(could_not),
        exit_regressed=bool(regressed(found)),
        exit_impossible=bool(impossible(found)),
    )
