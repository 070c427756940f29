"""What a run keeps of its search: ``search/plan.json``, ``search/rungs.json`` and a run folder a rung."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.planning.search.planner import Search
from foresight_harness.planning.search.rungs import rung_of
from foresight_harness.running.run_folder.folder import writing

FOLDER = "search"
PLAN, RUNGS = "plan.json", "rungs.json"
SCHEMA = 1


@dataclass(frozen=True)
class Target:
    """What candidates are ranked by."""

    suite: str
    metric: str
    probe: str | None
    dataset: str


@dataclass(frozen=True)
class Made:
    """A rung that was scored: what of it is not in its records."""

    rung: int
    folder: str
    """Below the run folder."""
    entering: tuple[str, ...]
    keep: int | None
    seconds: float
    shortened: str = ""


@dataclass(frozen=True)
class Kept:
    """A search as a run keeps it."""

    search: Search
    target: Target
    plain: Mapping[str, str] = field(default_factory=dict)
    """Streams -> candidate without trained parts that stands for them on a closed-form rung."""
    plain_target: Target | None = None
    """What these are ranked by."""
    budget: str | None = None
    predicted: Mapping[str, Any] = field(default_factory=dict)
    """Seconds of the whole matrix in full, of the search, and of its rungs."""

    def asked(self) -> dict[str, Any]:
        """What decides the search: a session that goes on with it must ask for the same. Budgets may change."""
        content = self.as_json()
        del content["budget"], content["predicted"], content["schema"]
        return content

    def as_json(self) -> dict[str, Any]:
        """As it stands in ``plan.json``."""
        return {
            "schema": SCHEMA,
            "target": asdict(self.target),
            "plain_target": None if self.plain_target is None else asdict(self.plain_target),
            "direction": self.search.direction,
            "alpha": self.search.alpha,
            "rungs": [rung.as_json() for rung in self.search.rungs],
            "streams": dict(self.search.streams),
            "plain": dict(self.plain),
            "budget": self.budget,
            "predicted": dict(self.predicted),
        }


def holds_search(run: Path) -> bool:
    """Whether a run is the end of a search."""
    return (run / FOLDER / PLAN).is_file()


def write_kept(run: Path, kept: Kept) -> None:
    """Write ``plan.json``. Raises: RunFolderError."""
    _write(run, PLAN, kept.as_json())


def read_kept(run: Path) -> Kept:
    """The search of a run. Raises: RunFolderError where it is absent, damaged or of a newer schema."""
    content = _read(run, PLAN)
    try:
        if content["schema"] > SCHEMA:
            raise RunFolderError(f"{run / FOLDER / PLAN} is of a newer schema; upgrade foresight-harness")
        rungs = tuple(rung_of(one) for one in content["rungs"])
        search = Search(rungs, dict(content["streams"]), content["direction"], content["alpha"])
        plain = content["plain_target"]
        return Kept(
            search,
            Target(**content["target"]),
            dict(content["plain"]),
            None if plain is None else Target(**plain),
            content["budget"],
            dict(content["predicted"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{run / FOLDER / PLAN} is damaged ({type(error).__name__}: {error})") from error


def made_rungs(run: Path) -> tuple[Made, ...]:
    """The rungs that were scored, in order. Raises: RunFolderError where the file is damaged."""
    if not (run / FOLDER / RUNGS).is_file():
        return ()
    try:
        return tuple(Made(**{**one, "entering": tuple(one["entering"])}) for one in _read(run, RUNGS)["rungs"])
    except (KeyError, TypeError) as error:
        raise RunFolderError(f"{run / FOLDER / RUNGS} is damaged ({type(error).__name__}: {error})") from error


def add_rung(run: Path, made: Made) -> None:
    """Take note of a rung that was scored. Raises: RunFolderError."""
    rungs: Sequence[Made] = (*made_rungs(run), made)
    _write(run, RUNGS, {"schema": SCHEMA, "rungs": [asdict(one) for one in rungs]})


def _write(run: Path, name: str, content: Mapping[str, Any]) -> None:
    with writing(run):
        (run / FOLDER).mkdir(exist_ok=True)
        fresh = run / FOLDER / f".{name}"
        fresh.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        fresh.replace(run / FOLDER / name)


def _read(run: Path, name: str) -> dict[str, Any]:
    path = run / FOLDER / name
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise RunFolderError(f"{path} holds no object")
    return found
