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
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.parts.datasets.kinds import Kinds
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.metrics.boxes import matched_iou
from foresight_harness.parts.probes.dense_ridge import DenseRidge
from foresight_harness.planning.registry import load_registry
from nano_vlm_criteria import CRITERIA, FAMILY, OBJECTIVES, TAPS, Floats, Scores, Study, ranked_on_board

SETS: Mapping[str, Any] = {"shapes": Shapes, "kinds": Kinds}
TRAIN, TEST, CANVAS_PX, DATA_SEED = 600, 500, 128, 0
TWIN = re.compile(rf"({'|'.join([*OBJECTIVES, 'where_then_what'])})-\d+")
"""Folders that are read; weights of other families may lie beside them."""
RESULT = Path(__file__).with_suffix(".json")


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


def scores_of(encoder: Any, drawn: Pictures) -> Scores:
    """All taps on one set."""
    grids: dict[tuple[str, str], torch.Tensor] = {}
    for split, clips in drawn.clips.items():
        parts = [encoder.encode(batch, TAPS) for batch in torch.split(clips, 50)]
        grids |= {(tap, split): torch.cat([part[tap].tokens for part in parts]) for tap in TAPS}
    return {tap: drawn.ious({split: grids[tap, split] for split in drawn.clips}.__getitem__) for tap in TAPS}


def measure(twins: Path, folder: Path, data: str) -> None:
    """Score on one set what is trained, the own start of its seeds, and the ceilings; one file each."""
    place = folder / data
    place.mkdir(parents=True, exist_ok=True)
    trained = sorted(path.parent.name for path in twins.glob("*/training.json") if TWIN.fullmatch(path.parent.name))
    wanted = ["ceiling", *sorted({f"start-{name.rpartition('-')[2]}" for name in trained}), *trained]
    missing = [name for name in wanted if not (place / f"{name}.npz").exists()]
    drawn = Pictures(data) if missing else None
    for name in missing:
        assert drawn is not None
        if name == "ceiling":
            found = {f"{side}x{side}": drawn.ceiling(side) for side in (16, 8)}
        else:
            found = scores_of(encoder_of(twins, name), drawn)
        np.savez_compressed(place / f"{name}.npz", **found)
        means = {tap: round(float(values.mean()), 3) for tap, values in found.items()}
        print(data, name, means, flush=True)


def read_words(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked. Exits on a slip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "judge"))
    parser.add_argument("--twins", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--dataset", nargs="+", default=list(SETS), choices=list(SETS), help="what to measure on")
    parser.add_argument("--board", type=Path, help="run folder of the smoke matrix")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure or judge."""
    asked = read_words(arguments)
    torch.set_num_threads(1)
    if asked.what == "measure":
        for data in asked.dataset:
            measure(asked.twins, asked.scores, data)
        return 0
    study = Study(asked.twins, asked.scores)
    beside = {"over_start": study.over_start, "over_sham": study.over_sham} if "kinds" in study.sets else {}
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
        "differences": {data: study.differences(data) for data in study.sets},
        "kinds": {name: told("kinds") for name, told in beside.items()},
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
