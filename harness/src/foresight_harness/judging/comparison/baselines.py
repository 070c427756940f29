"""Baselines: which run the next ones are compared with. Numbered files, never overwritten, checked when read."""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.contracts.locks import HeldLock
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.comparison.acknowledging import Acknowledgement, acknowledgement_of

FOLDER = "baselines"


@dataclass(frozen=True)
class Baseline:
    """A promoted run."""

    name: str
    number: int
    run: str
    """Id of the run; its folder lies beside ``baselines/``."""
    reason: str
    promoted_by: str
    at: str
    acknowledged: tuple[Acknowledgement, ...] = ()
    pinned: bool = False
    """A release that is kept to see slow slides: promoting needs ``--replace-pinned``."""

    def as_json(self) -> dict[str, Any]:
        """Everything but the checksum."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "number": self.number,
            "run": self.run,
            "reason": self.reason,
            "promoted_by": self.promoted_by,
            "at": self.at,
            "acknowledged": [entry.as_json() for entry in self.acknowledged],
            "pinned": self.pinned,
        }


def promote(
    runs: Path,
    run: Path,
    name: str,
    reason: str,
    acknowledged: Sequence[Acknowledgement] = (),
    *,
    pinned: bool = False,
    replace_pinned: bool = False,
) -> Baseline:
    """Make a run the baseline of that name.

    Args:
        runs: Folder of runs; ``baselines/`` lies in it.
        run: Folder of the run, below ``runs``.
        name: lower-case letters, digits, ``-``, ``_``, ``.``.
        reason: Why; stands beside every comparison.
        acknowledged: Regressions that are accepted with it, and until when.
        pinned: Keep it against later promotions.
        replace_pinned: Promote over a pinned one.

    Raises:
        UsageError: where the name or the reason will not do, or the standing baseline is pinned.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise UsageError(f"baseline name {name!r}: use lower-case letters, digits, '-', '_' and '.'")
    if not reason.strip():
        raise UsageError("--reason is empty; say why this run is what later ones are compared with")
    if run.parent.resolve() != runs.resolve():
        raise UsageError(f"{run} does not lie in {runs}, where baselines are looked for; name it with --out")
    folder = runs / FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    with HeldLock(folder / ".lock", f"baseline {name}"):
        standing = current(runs, name) if any(folder.glob("*.json")) else None
        if standing is not None and standing.pinned and not replace_pinned:
            raise UsageError(
                f"baseline {name!r} is pinned to {standing.run}; promote another name, or --replace-pinned"
            )
        numbers = [int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()]
        made = Baseline(
            name,
            max(numbers, default=0) + 1,
            run.name,
            reason.strip(),
            _who(),
            datetime.now(UTC).isoformat(timespec="seconds"),
            tuple(acknowledged),
            pinned,
        )
        content = made.as_json()
        fresh = folder / f".{made.number:04d}.{secrets.token_hex(3)}"
        fresh.write_text(json.dumps({**content, "sha256": _sha256(content)}, indent=1) + "\n", encoding="utf-8")
        fresh.replace(folder / f"{made.number:04d}.json")
    return made


def current(runs: Path, name: str) -> Baseline:
    """The newest undamaged baseline of that name; a damaged newer one is passed over, see ``damaged``.

    Raises:
        UsageError: where there is none, naming those there are.
    """
    for path in reversed(_files(runs, name)):
        try:
            return read_baseline(path)
        except RunFolderError:
            continue
    known = ", ".join(names(runs)) or "none; promote one with foresight-bench baseline promote RUN --name NAME"
    raise UsageError(f"no baseline {name!r} in {runs / FOLDER}; there are: {known}")


def damaged(runs: Path, name: str) -> list[str]:
    """One line for each file of a baseline that was refused."""
    lines = []
    for path in _files(runs, name):
        try:
            read_baseline(path)
        except RunFolderError as error:
            lines.append(str(error))
    return lines


def names(runs: Path) -> list[str]:
    """Names of baselines, sorted."""
    return sorted(path.name for path in (runs / FOLDER).glob("*") if any(path.glob("*.json")))


def read_baseline(path: Path) -> Baseline:
    """One baseline file. Raises: RunFolderError in one line where it is cut, changed or of a newer schema."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        told = content.pop("sha256")
        if content["schema"] > SCHEMA:
            raise RunFolderError(
                f"{path} has schema {content['schema']}, newer than {SCHEMA}; upgrade foresight-harness"
            )
        found = Baseline(
            content["name"],
            int(content["number"]),
            content["run"],
            content["reason"],
            content["promoted_by"],
            content["at"],
            tuple(acknowledgement_of(entry) for entry in content["acknowledged"]),
            bool(content["pinned"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{path} is cut short or no baseline ({type(error).__name__}); it is refused") from error
    if told != _sha256(content):
        raise RunFolderError(f"{path} was changed after it was written; it is refused")
    return found


def _files(runs: Path, name: str) -> list[Path]:
    return sorted(path for path in (runs / FOLDER / name).glob("*.json") if path.stem.isdecimal())


def _sha256(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
