"""Does a nano VLM's agreement with itself fall where objects change, and not where none does? No training.

    python benchmarks/studies/consistency.py [--pictures 300] [--write]

Pictures of ``shapes`` that no training has seen are shown again: as they are; with pixel noise; drawn anew with one
object, or with all, of another colour in the same places on the same background; and the next picture instead. Both
metrics of a size are read of each pair, and of the same architecture with random weights. Rules and their reasons stand
in ``docs/consistency.md``. Fails where a rule is missed; ``--write`` renews ``consistency.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.parts.datasets.objects import clip_of
from foresight_harness.parts.datasets.shape_drawing import COLOURS
from foresight_harness.parts.datasets.shapes import Shapes, draw
from foresight_harness.parts.statistics import bootstrap_mean
from foresight_qwen2_5_vl.presets import NANO
from foresight_qwen2_5_vl.speaker import build_answerer
from foresight_vlm_kit.consistency.metric import caption_agreement, yes_no_agreement
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
SHOWN = ("copy", "noise", "one", "all", "other")
MOST = {"caption": 0.85, "yesno": 0.90}
"""Agreement at most, by the upper end of its interval, where all objects have another colour."""
NOISE = 0.02
CANVAS_PX = 128
RESULT = Path(__file__).with_suffix(".json")


class Recoloured(Shapes):
    """The same pictures with some objects of another colour; all else is drawn by the same numbers."""

    def changed(self, index: int, count: int) -> Tensor:
        """The first ``count`` objects half the circle of colours away. [1, 3, H_px, W_px]"""
        random = self._random(index)
        figures = self._composed(random)
        changed = tuple(replace(one, colour=opposite(one.colour)) for one in figures[:count])
        return clip_of(draw(random, changed + figures[count:], self._canvas_px)[0])


def opposite(colour: str) -> str:
    """The colour half the circle away."""
    names = list(COLOURS)
    return names[(names.index(colour) + len(names) // 2) % len(names)]


def pairs(count: int) -> tuple[dict[str, Tensor], Floats]:
    """Clips by what was done to them [n, 1, 3, H_px, W_px], and the number of objects of each. [n]"""
    data = Recoloured(DataRequest("test", count, 0, canvas_px=CANVAS_PX))
    many = [len(data.figures(index)) for index in range(count)]
    copy = torch.stack([data.changed(index, 0) for index in range(count)])
    noise = NOISE * torch.randn(copy.shape, generator=torch.Generator().manual_seed(0))
    return {
        "copy": copy,
        "noise": (copy + noise).clamp(0, 1),
        "one": torch.stack([data.changed(index, 1) for index in range(count)]),
        "all": torch.stack([data.changed(index, objects) for index, objects in enumerate(many)]),
        "other": copy.roll(1, 0),
    }, np.array(many, dtype=np.float64)


def read(preset_at: int, weights: str, shown: dict[str, Tensor]) -> dict[str, dict[str, Floats]]:
    """Agreement with the original, one value a picture, by metric and by what was done."""
    answerer = build_answerer(NANO[preset_at], BuildRequest(weights=weights))  # type: ignore[arg-type]
    metrics: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "caption": caption_agreement(answerer),
        "yesno": yes_no_agreement(answerer),
    }
    return {
        name: {what: metric(clips, shown["copy"]).numpy() for what, clips in shown.items()}
        for name, metric in metrics.items()
    }


def interval(values: Floats) -> tuple[float, float, float]:
    """Mean, and ends of its interval of 95 % by bootstrap over pictures."""
    found = bootstrap_mean(values, [str(index) for index in range(len(values))])
    assert found.interval is not None
    return round(found.mean, 4), round(found.interval.low, 4), round(found.interval.high, 4)


def judge(
    trained: dict[str, dict[str, Floats]], random: dict[str, dict[str, Floats]], many: Floats
) -> dict[str, dict[str, object]]:
    """Rules 1 to 4, each metric by itself."""
    found: dict[str, dict[str, object]] = {}
    several = many > 1
    for name, values in trained.items():
        gaps = {
            "noise - one": interval(values["noise"] - values["one"]),
            "one - all, two objects or more": interval((values["one"] - values["all"])[several]),
            "fall over that of random weights": interval(
                values["noise"] - values["all"] - (random[name]["noise"] - random[name]["all"])
            ),
        }
        found[name] = {
            "1 copy": bool((values["copy"] == 1).all()),
            "2 all": interval(values["all"])[2] <= MOST[name],
            "3 more change, less agreement": all(gap[1] > 0 for gap in list(gaps.values())[:2]),
            "4 trained": list(gaps.values())[2][1] > 0,
            "gaps": gaps,
        }
    return found


def main() -> int:
    """Run the study; 1 where a rule of the size ``what`` is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shown, many = pairs(given.pictures)
    read_by = {preset.name: read(at, "nano", shown) for at, preset in enumerate(NANO)}
    read_by["random:" + NANO[0].name] = read(0, "random", shown)
    rules = judge(read_by[NANO[0].name], read_by["random:" + NANO[0].name], many)
    means = {
        model: {name: {what: interval(values[what]) for what in SHOWN} for name, values in found.items()}
        for model, found in read_by.items()
    }
    result = {"pictures": given.pictures, "several": int((many > 1).sum()), "means": means, "rules": rules}
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    if given.write:
        RESULT.write_text(json.dumps(result) + "\n", encoding="utf-8")
    kept = [met for metric in rules.values() for met in metric.values() if isinstance(met, bool)]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
