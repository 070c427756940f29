"""What a rerun of unchanged code differs by: the least tolerance that a sentinel may have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.judging.comparison.matching import pairs
from foresight_harness.judging.comparison.sentinels import Sentinels
from foresight_harness.running.lifecycle.status import COMPLETE
from foresight_harness.running.run_folder.run_data import RunData


class Noise(NamedTuple):
    """Differences between reruns, of one metric."""

    metric: str
    compared: int
    """Pairs of numbers."""
    differing: int
    """Pairs that are not equal to the last bit."""
    largest: float
    suggested: float
    """``largest``, rounded up to one digit."""


def reruns(runs: Path, of: RunData, *, dirty: bool = False) -> list[RunData]:
    """Complete runs of the same commit on the same machine, the given one first.

    Args:
        runs: Folder of runs.
        of: The run whose reruns are looked for.
        dirty: Take runs of changed working trees too; that they hold the same code is then for the caller to know.
    """
    found = [of]
    for path in sorted(runs.iterdir()):
        if path.is_symlink() or path.resolve() == of.path.resolve() or not (path / "run.json").is_file():
            continue
        try:
            other = RunData.load(path)
        except RunFolderError:
            continue
        if other.manifest.get("status") == COMPLETE and _code(other) == _code(of) and (dirty or clean(other)):
            found.append(other)
    return found


def clean(run: RunData) -> bool:
    """Whether the run's working tree was as committed."""
    return (run.manifest.get("environment") or {}).get("git_dirty") == "no"


def floors(found: Sequence[RunData], sentinels: Sentinels) -> list[Noise]:
    """The largest difference of each sentinel metric over all pairs of reruns."""
    differences: dict[str, list[float]] = {}
    for first, second in combinations(found, 2):
        for key, base, head, reason in pairs(first, second):
            if reason or base is None or head is None or not sentinels.watches(key) or not head.is_candidate:
                continue
            if base.value is not None and head.value is not None:
                differences.setdefault(key[3], []).append(abs(head.value - base.value))
    return [
        Noise(metric, len(seen), sum(each > 0 for each in seen), max(seen), rounded_up(max(seen)))
        for metric, seen in sorted(differences.items())
    ]


def rounded_up(value: float) -> float:
    """Up to one digit: 0.00123 is 0.002."""
    if value <= 0:
        return 0.0
    power = math.floor(math.log10(value))
    digit = math.ceil(value / 10.0**power - 1e-9)
    return float(f"{digit}e{power}")


def _code(run: RunData) -> tuple[object, object]:
    manifest = run.manifest
    sha = (manifest.get("environment") or {}).get("git_sha")
    return sha, (manifest.get("hardware") or {}).get("fingerprint")
