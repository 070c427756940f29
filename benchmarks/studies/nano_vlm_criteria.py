"""What the figures of ``nano_vlms.py`` say of its criteria."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from foresight_harness.parts.statistics import bootstrap_mean, holm
from foresight_harness.parts.statistics.paired import Paired, paired_difference

CRITERIA = {
    "colour": 0.80,
    "kind": 0.50,
    "within_one_bin": 0.80,
    "sham_over_blind": 0.03,
    "where_over_start": 0.10,
    "where_over_sham": 0.08,
    "patch_embed_apart": 0.03,
    "alpha": 0.05,
    "seeds": 3,
    "test_pictures": 500,
}
FAMILY, LAST = "qwen2_5_vl_nano", "llm.04"
TAPS = (
    "patch_embed", "block.00", "block.01", "block.02", "pre_merge", "post_merge", "llm.01", "llm.02", "llm.03", LAST,
)  # fmt: skip
OBJECTIVES = ("what", "where", "sham")
Floats = npt.NDArray[np.float64]
Scores = dict[str, Floats]
"""``SET/TAP`` to the IoU of each test picture."""


class Study:
    """What was measured, and what it says of the criteria."""

    def __init__(self, twins: Path, folder: Path) -> None:
        self.scores: dict[str, Scores] = {}
        for path in sorted(folder.glob("*/*.npz")):
            found = {f"{path.parent.name}/{tap}": values for tap, values in np.load(path).items()}
            self.scores.setdefault(path.stem, {}).update(found)
        self.sets = [data for data in ("shapes", "kinds") if (folder / data).is_dir()]
        self.rates = {
            path.parent.name: json.loads(path.read_text(encoding="utf-8"))["held_out"]["rates"]
            for path in sorted(twins.glob("*/training.json"))
        }
        self.seeds = self._seeds("where", "what", "start")
        self.sham_seeds = self._seeds("where", "what", "start", "sham")

    def _seeds(self, *objectives: str) -> list[int]:
        """Those that all of these were measured with."""
        every = {int(name.rpartition("-")[2]) for name in self.scores if "-" in name}
        return sorted(seed for seed in every if all(f"{name}-{seed}" in self.scores for name in objectives))

    def apart(self, first: str, second: str, tap: str, data: str = "shapes") -> Paired:
        """What two twins differ by at a tap."""
        key = f"{data}/{tap}"
        one, other = self.scores[first][key], self.scores[second][key]
        return paired_difference(one, other, _groups(one), tests=27)

    def table(self) -> dict[str, Any]:
        """Means with intervals of all twins, taps and sets."""
        return {
            twin: {key: _interval(bootstrap_mean(values, _groups(values))) for key, values in found.items()}
            for twin, found in self.scores.items()
        }

    def differences(self, data: str) -> dict[str, Any]:
        """The pairs that the criteria are about, at every tap."""
        pairs = [(f"where-{seed}", f"{other}-{seed}") for seed in self.seeds for other in ("start", "what")]
        pairs += [(f"where-{seed}", f"sham-{seed}") for seed in self.sham_seeds]
        pairs += [(f"what-{seed}", f"start-{seed}") for seed in self.seeds]
        pairs += [(name, f"where-{name[-1]}") for name in self.scores if name.startswith("where_then")]
        pairs += [(name, f"what-{name[-1]}") for name in self.scores if name.startswith("where_then")]
        return {
            f"{first} - {second}": {tap: _difference(self.apart(first, second, tap, data)) for tap in TAPS}
            for first, second in pairs
        }

    def learnt(self) -> dict[str, Any]:
        """Criterion 1."""
        held = {}
        for twin, rates in self.rates.items():
            objective = twin.rpartition("-")[0]
            if objective not in OBJECTIVES:
                continue
            told = {"colour": rates["colour"] >= CRITERIA["colour"], "kind": rates["kind"] >= CRITERIA["kind"]}
            if objective == "where":
                told["within_one"] = rates["within_one"] >= CRITERIA["within_one_bin"]
            if objective == "sham":
                apart = abs(rates["within_one"] - rates["blind_within_one"])
                told["within_one at the blind rate"] = apart <= CRITERIA["sham_over_blind"]
            held[twin] = told
        return {"met": self._all(every for told in held.values() for every in told.values()), "held": held}

    def over_start(self, data: str = "shapes") -> dict[str, Any]:
        """Criterion 2."""
        found = {
            f"{seed} {tap}": self.apart(f"where-{seed}", f"start-{seed}", tap, data).difference
            for seed in self.seeds
            for tap in ("post_merge", LAST)
        }
        return {"met": self._all(value >= CRITERIA["where_over_start"] for value in found.values()), "found": found}

    def over_sham(self, data: str = "shapes") -> dict[str, Any]:
        """Criterion 3."""
        keys = [(seed, tap) for seed in self.sham_seeds for tap in ("pre_merge", "post_merge", LAST)]
        pairs = [self.apart(f"where-{seed}", f"sham-{seed}", tap, data) for seed, tap in keys]
        adjusted = holm([pair.p_value for pair in pairs])
        first = {
            seed: abs(self.apart(f"where-{seed}", f"what-{seed}", "patch_embed", data).difference)
            for seed in self.seeds
        }
        met = [
            *(pair.difference >= CRITERIA["where_over_sham"] for pair in pairs),
            *(p < CRITERIA["alpha"] for p in adjusted),
            *(value <= CRITERIA["patch_embed_apart"] for value in first.values()),
        ]
        found = {
            f"{seed} {tap}": {**_difference(pair), "holm": round(float(p), 5)}
            for (seed, tap), pair, p in zip(keys, pairs, adjusted, strict=True)
        }
        return {"met": self._all(met), "found": found, "patch_embed": first}

    def seeds_apart(self, data: str = "shapes") -> dict[str, Any]:
        """Criterion 4."""
        keys = [
            (objective, pair, tap)
            for objective in OBJECTIVES
            for pair in combinations(self._seeds(objective), 2)
            for tap in ("post_merge", LAST)
        ]
        pairs = [self.apart(f"{name}-{one}", f"{name}-{two}", tap, data) for name, (one, two), tap in keys]
        adjusted = holm([pair.p_value for pair in pairs])
        found = {
            f"{name} {one}/{two} {tap}": {**_difference(pair), "holm": round(float(p), 5)}
            for (name, (one, two), tap), pair, p in zip(keys, pairs, adjusted, strict=True)
        }
        return {"met": self._all(p >= CRITERIA["alpha"] for p in adjusted), "found": found}

    def forgetting(self) -> dict[str, Any]:
        """Criterion 6."""
        found = {}
        for name in (name for name in self.scores if name.startswith("where_then")):
            for tap in ("pre_merge", "post_merge", LAST):
                means = [float(self.scores[f"{each}-{name[-1]}"][f"shapes/{tap}"].mean()) for each in ("what", "where")]
                found[f"{name} {tap}"] = [means[0], float(self.scores[name][f"shapes/{tap}"].mean()), means[1]]
        between = [low < value < high for low, value, high in found.values()]
        return {"met": all(between) if between else None, "found": found}

    def _all(self, held: Iterable[bool]) -> bool | None:
        """None where fewer seeds were measured than were promised and none of them misses it."""
        told = list(held)
        if not all(told):
            return False
        return True if len(self.seeds) >= CRITERIA["seeds"] and told else None


def ranked_on_board(run: Path) -> dict[str, Any]:
    """Criterion 5, as the run's own board says it: no letter in common, and *where* in front."""
    rows = json.loads((run / "analysis" / "rankings.json").read_text(encoding="utf-8"))["rows"]
    found: dict[str, dict[str, Any]] = {}
    for objective in ("where", "what"):
        name = f"{FAMILY}_{objective}@{LAST}/identity/single/linear"
        for row in rows:
            if (row["candidate"], row["metric"], row["dataset"]) == (name, "iou", "shapes"):
                found[objective] = row
    if len(found) < 2:
        return {"met": False, "refused a rank": sorted({"where", "what"} - set(found))}
    where, what = found["where"], found["what"]
    met = where["measured"]["value"] > what["measured"]["value"] and not set(where["letters"]) & set(what["letters"])
    return {"met": met, **{name: [row["measured"]["value"], row["letters"]] for name, row in found.items()}}


def _groups(values: Floats) -> list[str]:
    """Every picture is a cluster of its own."""
    return [str(index) for index in range(len(values))]


def _interval(found: Any) -> list[float]:
    return [round(value, 4) for value in (found.mean, found.interval.low, found.interval.high)]


def _difference(pair: Paired) -> dict[str, Any]:
    low, high = (pair.interval.low, pair.interval.high) if pair.interval else (None, None)
    return {"difference": pair.difference, "low": low, "high": high, "p": pair.p_value}
