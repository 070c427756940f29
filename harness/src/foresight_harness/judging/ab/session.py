"""One ``ab`` from the two trees to the run folder: sides are started, every candidate is timed, rounds are kept."""

from __future__ import annotations

import random
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.ab.measuring import Timed, measure
from foresight_harness.judging.ab.resident import Resident
from foresight_harness.judging.ab.run_folder import keep
from foresight_harness.judging.ab.trees import Tree
from foresight_harness.judging.analyses.ab import joint_level
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.registry import Registry
from foresight_harness.running.run_folder.environment import environment

Progress = Callable[[str], Callable[[int], None]]
"""Given a title, what is told the number of rounds so far; 0 ends it."""


@dataclass(frozen=True)
class Session:
    """What is measured, and how finely."""

    settings: RunOptions
    dataset: str
    rounds: int
    tolerance: float
    seed: int

    def run(self, trees: tuple[Tree, Tree], names: Sequence[str], registry: Registry, progress: Progress) -> Path:
        """Time every candidate on base and head, and keep the rounds in a run folder.

        Raises:
            UsageError: where one of the trees cannot be imported.
            SideError: where a side ends in between.
        """
        started = _now()
        order = random.Random(self.seed)
        found: list[Timed] = []
        with tempfile.TemporaryDirectory(prefix="foresight-ab-sides-") as scratch:
            places = (Path(scratch) / "base", Path(scratch) / "head")
            for place in places:
                place.mkdir()
            with Resident(trees[0], trees[1], places[0]) as base, Resident(trees[1], trees[0], places[1]) as head:
                hardware = self.open_sides((base, head), places)
                for number, name in enumerate(names, start=1):
                    advance = progress(f"{number}/{len(names)} {name}")
                    found.append(
                        measure(
                            (base, head),
                            name,
                            self.dataset,
                            rounds=self.rounds,
                            tolerance=self.tolerance,
                            level=joint_level(len(names)),
                            order=order,
                            advance=advance,
                        )
                    )
                    advance(0)
        manifest = {
            "command": shlex.join(["foresight-bench", *sys.argv[1:]]),
            "started": started,
            "ended": _now(),
            "scale": self.settings.scale,
            "options": self.settings.as_json(),
            "environment": environment(registry.environment),
            "hardware": hardware,
            "plugins": [
                {
                    "name": one.name,
                    "distribution": one.distribution,
                    "version": one.version,
                    "digest": one.digest,
                    "error": one.error,
                }
                for one in registry.plugins
            ],
        }
        told = {"tolerance": self.tolerance, "rounds": self.rounds, "seed": self.seed}
        return keep(self.settings.out, trees, found, told, manifest)

    def open_sides(self, sides: tuple[Resident, Resident], places: tuple[Path, Path]) -> dict[str, object]:
        """Let both sides import their code, at the same time; what the machine is, says the head."""
        for side, place in zip(sides, places, strict=True):
            options = {**self.settings.as_json(), "cache": str(place / "cache")}
            side.send("open", options=options, scratch=str(place / "run"))
        answers = [side.answer() for side in sides]
        for side, answer in zip(sides, answers, strict=True):
            if not answer["ok"]:
                raise UsageError(f"{side.tree.named} cannot be timed: {answer['error']}")
        spoken = [answer["protocol"] for answer in answers]
        if spoken[0] != spoken[1]:
            raise UsageError(f"base and head speak unlike protocols, {spoken[0]} and {spoken[1]}: not to be compared")
        hardware: dict[str, object] = answers[1]["hardware"]
        return hardware


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
