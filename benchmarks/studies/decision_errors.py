"""How often does a whole decision tree answer wrongly, when pictures are drawn again?

    OMP_NUM_THREADS=1 python benchmarks/studies/decision_errors.py [--redraws 12] [--minutes 6] [--write]

Studies are made up as the tests make them (``tests/benchmarks/fabricated.py``): nine pipelines with their twins and raw
pixels, every suite, published weights, people's answers. A study has one quality, from 0.15 to 0.95; scores vary from
scene to scene by 0.2. Its 300 scenes are the truth: each tree is asked once about the true means (10,000 samples that
all score the mean) and then about 96 scenes drawn with replacement, the same for all candidates; whole-split numbers
get noise as wide as their intervals say.

Written down before the first run: over all trees and qualities, a tree says PROCEED where the truth is ABORT or PIVOT,
or ABORT or PIVOT where the truth is PROCEED, in at most 5 % of the redraws that have such a truth. What is said where
the truth itself is CANNOT SAY (a document's own band, or a mean on a bound) is told and not judged. Fails where it is
missed. ``--write`` renews ``decision_errors.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from foresight_harness.contracts.records import Record
from foresight_harness.judging.decisions.deciding import branch_of
from foresight_harness.judging.decisions.decision_files import find_proposals
from foresight_harness.judging.decisions.proposal import Proposal
from foresight_harness.judging.gates import Gate, find_gates, read_answers
from foresight_harness.judging.gates.answers import Answers
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.running.run_folder.run_data import RunData, SampleStats, SampleValues
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
from fabricated import Study, write_answers  # noqa: E402

RESULT = Path(__file__).with_suffix(".json")
QUALITIES = (0.15, 0.25, 0.35, 0.42, 0.5, 0.57, 0.63, 0.7, 0.8, 0.95)
SCENES, DRAWN, TRUE, SPREAD = 300, 96, 10_000, 0.2
GOES, STOPS = ("PROCEED",), ("ABORT", "PIVOT")
AT_MOST = 0.05


@dataclass(frozen=True)
class Redrawn(RunData):
    """A run whose scenes were drawn again; without ``picks`` every sample scores the true mean."""

    pool: RunData = field(default=None)  # type: ignore[assignment]
    picks: Mapping[str, NDArray[np.int64]] | None = None
    names: tuple[str, ...] = ()

    def values(self, record: Record) -> SampleValues | None:
        """As ``RunData.values``."""
        found = self.pool.values(record)
        if found is None:
            return None
        if self.picks is None:
            columns = np.repeat(np.nanmean(found.values, axis=1, keepdims=True), len(self.names), axis=1)
        else:
            columns = found.values[:, self.picks[record.dataset]]
        return SampleValues(columns, found.seeds, self.names, self.names)

    def stats(self, record: Record) -> SampleStats | None:
        """As ``RunData.stats``; the true ones are those of all scenes."""
        found = self.pool.stats(record)
        if found is None or self.picks is None:
            return found
        picks = self.picks[record.dataset]
        seeds = tuple(tuple(seed[place] for place in picks) for seed in found.stats)
        return SampleStats(seeds, found.seeds, self.names, self.names)


def drawn_again(pool: RunData, seed: int | None) -> Redrawn:
    """The run with 96 scenes drawn anew, or with the truth (None)."""
    random = np.random.default_rng(seed)
    datasets = sorted({record.dataset for record in pool.all_records})
    picks = None if seed is None else {name: random.integers(0, SCENES, DRAWN) for name in datasets}
    names = tuple(str(place) for place in range(TRUE if seed is None else DRAWN))
    records = tuple(_whole_split(record, random if seed is not None else None) for record in pool.all_records)
    return Redrawn(pool.path, pool.manifest, records, pool, picks, names)


def _whole_split(record: Record, random: np.random.Generator | None) -> Record:
    """A number without values a sample: moved by its own error, or known to a hundredth of it."""
    if record.per_sample is not None or record.value is None or record.ci_low is None or record.ci_high is None:
        return record
    half = (record.ci_high - record.ci_low) / 2
    if random is None:
        return replace(record, ci_low=record.value - half / 100, ci_high=record.value + half / 100)
    value = record.value + float(random.normal(0, half / 1.96))
    return replace(record, value=value, ci_low=value - half, ci_high=value + half)


class Said(NamedTuple):
    """What a tree answers, and its sentence."""

    answer: str
    say: str


def answers(run: RunData, proposals: Sequence[Proposal], gates: Mapping[str, Gate], given: Answers) -> dict[str, Said]:
    """What each proposal's tree says."""
    asked = {condition.gate for one in proposals for branch in one.branches for condition in branch.when}
    results = {name: evaluate(gates[name], run, given) for name in sorted(asked)}
    found = {one.name: branch_of(one, results) for one in proposals}
    return {name: Said(one.answer, one.say) if one else Said("CANNOT SAY", "") for name, one in found.items()}


def of_quality(
    quality: float, place: int, redraws: int, until: float, asked: Any, sentences: Counter[str]
) -> dict[str, Counter[str]]:
    """By tree, how often each answer followed on the true one: ``PROCEED, said CANNOT SAY``.

    Sentences of wrong answers are added up in ``sentences``.
    """
    with tempfile.TemporaryDirectory() as folder:
        latency = 900.0 if quality > 0.4 else 20_000.0
        study = Study(n=SCENES, quality=quality, spread=SPREAD, latency_ms=latency)
        pool = RunData.load(study.write(Path(folder)))
        truth = answers(drawn_again(pool, None), *asked)
        found: dict[str, Counter[str]] = {name: Counter() for name in truth}
        for redraw in range(redraws):
            if time.monotonic() > until:
                break
            for name, said in answers(drawn_again(pool, 1000 * place + redraw), *asked).items():
                pair = f"{truth[name].answer}, said {said.answer}"
                found[name][pair] += 1
                if wrong({pair: 1})[0]:
                    sentences[f"{name}: {said.say}"] += 1
    return found


def wrong(found: Mapping[str, int]) -> tuple[int, int]:
    """Wrong answers, and redraws in which one could be given."""
    pairs = [(key.partition(", said ")[0], key.partition(", said ")[2], count) for key, count in found.items()]
    could = sum(count for true, _, count in pairs if true in (*GOES, *STOPS))
    missed = ((true in GOES and said in STOPS) or (true in STOPS and said in GOES) for true, said, _ in pairs)
    return sum(count for (_, _, count), is_wrong in zip(pairs, missed, strict=True) if is_wrong), could


def main() -> int:
    """Print the figures; 1 where the criterion is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redraws", type=int, default=12, help="of each quality")
    parser.add_argument("--minutes", type=float, default=6.0, help="in all; each quality has its share")
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    gates = find_gates(["all"], [ROOT / "benchmarks" / "gates"])
    proposals = find_proposals(ROOT / "benchmarks" / "decisions", [gate.name for gate in gates])
    with tempfile.TemporaryDirectory() as folder:
        given = read_answers(write_answers(Path(folder) / "answers.toml", gates), gates)
    asked = (proposals, {gate.name: gate for gate in gates}, given)
    sentences: Counter[str] = Counter()
    start, total, by_quality = time.monotonic(), {one.name: Counter[str]() for one in proposals}, {}
    for place, quality in enumerate(QUALITIES):
        until = start + 60 * options.minutes * (place + 1) / len(QUALITIES)
        found = of_quality(quality, place, options.redraws, until, asked, sentences)
        by_quality[f"{quality}"] = {name: dict(counts) for name, counts in found.items()}
        for name, counts in found.items():
            total[name] += counts
        print(f"quality {quality}: {by_quality[f'{quality}']}", file=sys.stderr, flush=True)
    counted = [wrong(counts) for counts in total.values()]
    missed, could = sum(one[0] for one in counted), sum(one[1] for one in counted)
    held = could > 0 and missed <= AT_MOST * could
    result = {
        "criteria": {"wrong answers of whole trees": held},
        "wrong": missed,
        "of": could,
        "wrong_by_tree_and_sentence": dict(sentences),
        "by_tree": {name: dict(counts) for name, counts in total.items()},
        "by_quality": by_quality,
    }
    text = json.dumps(result, indent=1)
    print(text)
    print(f"{'met' if held else 'NOT MET'}: wrong answers of whole trees, {missed} of {could}")
    if options.write:
        RESULT.write_text(text + "\n", encoding="utf-8")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
