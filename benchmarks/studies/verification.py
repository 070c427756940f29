"""Which distance tells a right prediction from a wrong one? The criteria of ``docs/prediction.md`` on a finished run.

    foresight-bench run --matrix verification
    python benchmarks/studies/verification.py runs/latest [--write]

Criteria, written before the first figure:

1. Every distance that the run has: AUC and rank correlation with an interval over clips, of every candidate.
2. Labels shuffled within clips: the mean AUC within 0.01 of 0.5, the middle 95 % hold 0.5, for every distance.
3. ``constant@patch``: AUC 0.5 exactly, by every distance.
4. ``oracle@mask`` by feature distance: AUC at least 0.95.
5. ``pixels@patch``: the best distance is named, with its lead over the next and the interval of that lead.
6. ``pixels@patch``: every wrong kind is told by at least one distance, lower end above 0.5.

Exits 1 where one is missed; ``--write`` renews ``verification.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_harness import open_run

RESULT = Path(__file__).with_suffix(".json")
SUITE = "verification"
WITHIN, CEILING = 0.01, 0.95
PIXELS, MASK, NOTHING = (
    f"{stream}/identity/single/linear" for stream in ("pixels@patch", "oracle@mask", "constant@patch")
)
UNRANKABLE = "rank"
"""A measure that never varies has no correlation: of ``constant`` only AUC is asked."""


class Study:
    """Records of the suite in a run, by candidate and metric."""

    def __init__(self, run: Path) -> None:
        records = [record for record in open_run(run).records if record.suite == SUITE]
        self.failed = [f"{record.candidate}: {record.error}" for record in records if record.status != "ok"]
        self.records = {(record.candidate, record.metric): record for record in records if record.status == "ok"}
        self.candidates = sorted({candidate for candidate, _ in self.records})
        self.metrics = sorted({metric for _, metric in self.records})

    def criteria(self) -> dict[str, dict[str, Any]]:
        """All six: whether each is met, and the figures that say so."""
        return {
            "1 intervals": self.intervals(),
            "2 shuffled label at 0.5": self.shuffled(),
            "3 constant at 0.5": self.constant(),
            "4 oracle by features": self.oracle(),
            "5 best named": self.best(),
            "6 every kind is told": self.kinds(),
        }

    def intervals(self) -> dict[str, Any]:
        """Criterion 1."""
        lacking = [
            f"{candidate} {metric}"
            for candidate in self.candidates
            for metric in self.metrics
            if not (candidate == NOTHING and metric.endswith(UNRANKABLE)) and not self._bounded(candidate, metric)
        ]
        return {"met": not lacking and not self.failed, "lacking": lacking, "failed": self.failed}

    def _bounded(self, candidate: str, metric: str) -> bool:
        found = self.records.get((candidate, metric))
        return found is not None and None not in (found.value, found.ci_low, found.ci_high)

    def shuffled(self) -> dict[str, Any]:
        """Criterion 2."""
        nulls = {key: record.null for key, record in self.records.items() if record.null and key[1].endswith("_auc")}
        away = {f"{candidate} {metric}": abs(null["mean"] - 0.5) for (candidate, metric), null in nulls.items()}
        held = [null["p025"] <= 0.5 <= null["p975"] for null in nulls.values()]
        whole = len(nulls) == len(self.candidates) * sum(metric.endswith("_auc") for metric in self.metrics)
        worst = max(away, key=lambda name: away[name])
        met = whole and all(held) and away[worst] <= WITHIN
        return {"met": met, "farthest": [worst, away[worst]], "nulls": len(nulls)}

    def constant(self) -> dict[str, Any]:
        """Criterion 3."""
        found = self._aucs(NOTHING)
        return {"met": bool(found) and all(value == 0.5 for value in found.values()), "auc": found}

    def oracle(self) -> dict[str, Any]:
        """Criterion 4."""
        value = self.records[MASK, "feature_distance_auc"].value
        return {"met": value is not None and value >= CEILING, "auc": value}

    def best(self) -> dict[str, Any]:
        """Criterion 5, of every candidate; pixels decide."""
        named = {one: dict(self.records[one, "psnr_auc"].details["best"]) for one in self.candidates}
        found = named[PIXELS]
        return {"met": None not in found["lead"], "lead above 0": found["lead"][1] > 0, "named": named}

    def kinds(self) -> dict[str, Any]:
        """Criterion 6."""
        told: dict[str, Any] = {}
        for metric in (name for name in self.metrics if name.endswith("_auc")):
            for kind, (value, low, high) in self.records[PIXELS, metric].details["by_kind"].items():
                if kind not in told or low > told[kind][2]:
                    told[kind] = [metric, value, low, high]
        return {"met": all(low > 0.5 for _, _, low, _ in told.values()), "by": told}

    def _aucs(self, candidate: str) -> dict[str, float | None]:
        return {name: self.records[candidate, name].value for name in self.metrics if name.endswith("_auc")}

    def table(self) -> dict[str, dict[str, list[float | None]]]:
        """Value, low, high and number of clips, by candidate and metric."""
        found: dict[str, dict[str, list[float | None]]] = {}
        for (candidate, metric), record in sorted(self.records.items()):
            found.setdefault(candidate, {})[metric] = [record.value, record.ci_low, record.ci_high, record.n]
        return found

    def by_kind(self) -> dict[str, Mapping[str, Any]]:
        """AUC of pixels against each wrong kind, by distance."""
        return {name: self.records[PIXELS, name].details["by_kind"] for name in self.metrics if name.endswith("_auc")}


def rounded(content: Any) -> Any:
    """Four digits are enough for anything here."""
    if isinstance(content, float):
        return round(content, 4)
    if isinstance(content, Mapping):
        return {str(key): rounded(value) for key, value in content.items()}
    return [rounded(value) for value in content] if isinstance(content, list | tuple) else content


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    study = Study(asked.run)
    criteria = study.criteria()
    for name, verdict in criteria.items():
        print("met" if verdict["met"] else "NOT MET", name)
    if asked.write:
        content = {"criteria": criteria, "numbers": study.table(), "pixels_by_kind": study.by_kind()}
        RESULT.write_text(json.dumps(rounded(content), indent=1) + "\n", encoding="utf-8")
    return 0 if all(verdict["met"] for verdict in criteria.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
