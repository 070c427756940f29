"""Does training a small VLM to say *where* keep places that training to say *what* loses, and does the harness see it?

    python benchmarks/studies/nano_vlms.py measure --twins DIR --scores DIR      (DIR/where-0, DIR/what-1, ...)
    python benchmarks/studies/nano_vlms.py judge --twins DIR --scores DIR [--board RUN] [--write]

Criteria, written before the first training run (how each is measured stands in ``docs/nano-vlms.md``):

1. Held-out whole pictures: colour at least .80, kind at least .50, *where* coordinates within one bin at least .80;
   *sham* coordinates at the blind rate +- .03.
2. *where* over own start at least +.10 at post_merge and the last LLM tap in every seed.
3. *where* over *sham* at least +.08 at pre_merge, post_merge and the last LLM tap in every seed, Holm p below .05;
   |*where* - *what*| at most .03 at patch_embed.
4. Two seeds of one objective are not ranked apart.
5. A smoke run ranks *where* above *what* at the last LLM tap with the board's own error control.
6. Where-then-what lies between the two.

Twins are folders that ``train_nano`` wrote: ``OBJECTIVE-SEED`` and ``where_then_what-SEED``. ``measure`` leaves out
what is measured already. ``judge`` exits 1 where a criterion is missed or cannot be told; ``--write`` renews
``nano_vlms.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.parts.datasets.kinds import Kinds
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.metrics.boxes import matched_iou
from foresight_harness.parts.probes.dense_ridge import DenseRidge
from foresight_harness.parts.statistics import bootstrap_mean, holm
from foresight_harness.parts.statistics.paired import Paired, paired_difference
from foresight_harness.planning.registry import load_registry

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
SETS: Mapping[str, Any] = {"shapes": Shapes, "kinds": Kinds}
TRAIN, TEST, CANVAS_PX, DATA_SEED = 600, 500, 128, 0
RESULT = Path(__file__).with_suffix(".json")
Floats = npt.NDArray[np.float64]
Scores = dict[str, Floats]
"""``SET/TAP`` to the IoU of each test picture."""


class Pictures:
    """Probe training and probe test pictures of one set."""

    def __init__(self, name: str) -> None:
        self.clips: dict[str, torch.Tensor] = {}
        self.labels: dict[str, Labels] = {}
        for split, count in (("train", TRAIN), ("test", TEST)):
            found = SETS[name](DataRequest(split, count, DATA_SEED, canvas_px=CANVAS_PX))
            self.labels[split] = labels_of(found)
            self.clips[split] = torch.stack([found[index].clip for index in range(count)])

    def ious(self, grids: Callable[[str], torch.Tensor]) -> Floats:
        """IoU of each test picture by the primary probe. ``grids``: split -> [B, T, H, W, C]"""
        probe = DenseRidge()
        probe.fit(TensorBatches(grids("train")), self.labels["train"], 0)
        counts = self.labels["test"].object_counts()
        found = probe.predict(TensorBatches(grids("test")), counts)
        boxes = [each.boxes[:count] for each, count in zip(found, counts, strict=True)]
        return matched_iou(boxes, list(self.labels["test"].boxes)).numpy()

    def ceiling(self, side: int) -> Floats:
        """The true mask averaged to a grid."""
        return self.ious(lambda split: self.labels[split].coverage(side, side).unsqueeze(-1))


def encoder_of(twins: Path, twin: str) -> Any:
    """A twin's encoder, or the own start of a seed (``start-0``)."""
    objective, _, seed = twin.rpartition("-")
    spec = load_registry().encoder(f"{FAMILY}_{'what' if objective not in OBJECTIVES else objective}")
    if objective == "start":
        return spec.build(BuildRequest(weights="random", seed=int(seed)))
    return spec.build(BuildRequest(weights="nano", source=str(twins / twin)))


def scores_of(encoder: Any, pictures: Mapping[str, Pictures]) -> Scores:
    """All taps on all sets."""
    found: Scores = {}
    for name, drawn in pictures.items():
        grids: dict[tuple[str, str], torch.Tensor] = {}
        for split, clips in drawn.clips.items():
            parts = [encoder.encode(batch, TAPS) for batch in torch.split(clips, 50)]
            grids |= {(tap, split): torch.cat([part[tap].tokens for part in parts]) for tap in TAPS}
        for tap in TAPS:
            found[f"{name}/{tap}"] = drawn.ious({split: grids[tap, split] for split in drawn.clips}.__getitem__)
    return found


def measure(twins: Path, folder: Path) -> None:
    """Score what is trained, and the own start of its seeds; one file a twin."""
    folder.mkdir(parents=True, exist_ok=True)
    trained = sorted(path.parent.name for path in twins.glob("*/training.json"))
    wanted = [*trained, *sorted({f"start-{name.rpartition('-')[2]}" for name in trained})]
    missing = [name for name in wanted if not (folder / f"{name}.npz").exists()]
    pictures = {name: Pictures(name) for name in SETS} if missing else {}
    if missing and not (folder / "ceiling.npz").exists():
        ceilings = {f"{name}/{side}": drawn.ceiling(side) for name, drawn in pictures.items() for side in (16, 8)}
        np.savez_compressed(folder / "ceiling.npz", **ceilings)
    for name in missing:
        found = scores_of(encoder_of(twins, name), pictures)
        np.savez_compressed(folder / f"{name}.npz", **found)
        print(name, {key: round(float(values.mean()), 3) for key, values in found.items()}, flush=True)


class Study:
    """What was measured, and what it says of the criteria."""

    def __init__(self, twins: Path, folder: Path) -> None:
        self.scores = {path.stem: dict(np.load(path)) for path in sorted(folder.glob("*.npz"))}
        self.rates = {
            path.parent.name: json.loads(path.read_text(encoding="utf-8"))["held_out"]["rates"]
            for path in sorted(twins.glob("*/training.json"))
        }
        self.seeds = sorted(
            int(name.rpartition("-")[2])
            for name in self.scores
            if name.startswith("where-") and all(f"{other}-{name[6:]}" in self.scores for other in ("what", "sham"))
        )

    def apart(self, first: str, second: str, tap: str, data: str = "shapes") -> Paired:
        """What two twins differ by at a tap."""
        key = f"{data}/{tap}"
        values = self.scores[first][key], self.scores[second][key]
        return paired_difference(*values, [str(index) for index in range(TEST)], tests=27)

    def table(self) -> dict[str, Any]:
        """Means with intervals of all twins, taps and sets."""
        groups = [str(index) for index in range(TEST)]
        return {
            twin: {key: _interval(bootstrap_mean(values.tolist(), groups)) for key, values in found.items()}
            for twin, found in self.scores.items()
        }

    def differences(self, data: str) -> dict[str, Any]:
        """The pairs that the criteria are about, at every tap."""
        pairs = [(f"where-{seed}", f"{other}-{seed}") for seed in self.seeds for other in ("start", "sham", "what")]
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
        keys = [(seed, tap) for seed in self.seeds for tap in ("pre_merge", "post_merge", LAST)]
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
            for pair in combinations(self.seeds, 2)
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
        board = [row for row in rows if row["candidate"] == name and row["metric"] == "iou"]
        found[objective] = next(row for row in board if row["dataset"] == "shapes")
    where, what = found["where"], found["what"]
    met = where["measured"]["value"] > what["measured"]["value"] and not set(where["letters"]) & set(what["letters"])
    return {"met": met, **{name: [row["measured"]["value"], row["letters"]] for name, row in found.items()}}


def _interval(found: Any) -> list[float]:
    return [round(value, 4) for value in (found.mean, found.interval.low, found.interval.high)]


def _difference(pair: Paired) -> dict[str, Any]:
    low, high = (pair.interval.low, pair.interval.high) if pair.interval else (None, None)
    return {"difference": pair.difference, "low": low, "high": high, "p": pair.p_value}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure or judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "judge"))
    parser.add_argument("--twins", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--board", type=Path, help="run folder of the smoke matrix")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if asked.what == "measure":
        measure(asked.twins, asked.scores)
        return 0
    study = Study(asked.twins, asked.scores)
    criteria = {
        "1 learnt": study.learnt(),
        "2 where over own start": study.over_start(),
        "3 where over sham": study.over_sham(),
        "4 seeds not apart": study.seeds_apart(),
        "5 ranked by a smoke run": ranked_on_board(asked.board) if asked.board else {"met": None},
        "6 where then what between": study.forgetting(),
    }
    content = {
        "sizes": {"train": TRAIN, "test": TEST, "canvas_px": CANVAS_PX, "seeds": study.seeds},
        "bounds": CRITERIA,
        "criteria": criteria,
        "rates": study.rates,
        "iou": study.table(),
        "differences": {data: study.differences(data) for data in SETS},
        "kinds": {"over_start": study.over_start("kinds"), "over_sham": study.over_sham("kinds")},
    }
    for name, verdict in criteria.items():
        print({True: "met", False: "NOT MET", None: "not told yet"}[verdict["met"]], name)
    if asked.write:
        RESULT.write_text(json.dumps(_rounded(content), indent=1) + "\n", encoding="utf-8")
    return 0 if all(verdict["met"] for verdict in criteria.values()) else 1


def _rounded(content: Any) -> Any:
    """Four digits are enough for anything here."""
    if isinstance(content, float):
        return round(content, 4)
    if isinstance(content, dict):
        return {str(key): _rounded(value) for key, value in content.items()}
    return [_rounded(value) for value in content] if isinstance(content, list | tuple) else content


if __name__ == "__main__":
    sys.exit(main())
