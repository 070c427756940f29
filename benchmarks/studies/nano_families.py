"""What training plants in nano models of the other families, by the primary probe at every tap.

    python benchmarks/studies/nano_families.py --twins TWINS --scores DIR [--write]

Criteria, and how each is measured, stand in ``docs/nano-families.md``, written before the first training run. Measured
are the weights that lie in TWINS (``llava_next_nano_what`` and so on, made by the plugins' ``train_nano``) or that the
plugins carry, and their exact starts (random weights of seed 0), on ``shapes``; the
self-supervised encoder on ``kinds`` too. What DIR holds already is not measured again. Exits 1 where a criterion is
missed or cannot be told; ``--write`` renews ``nano_families.json`` beside this file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foresight_harness import BuildRequest
from foresight_harness.parts.statistics import bootstrap_mean, holm
from foresight_harness.parts.statistics.paired import paired_difference
from foresight_harness.planning.registry import load_registry
from nano_vlms import TEST, TRAIN, Pictures

RESULT = Path(__file__).with_suffix(".json")
BOUNDS = {
    "colour": 0.80,
    "kind": 0.50,
    "within_one_bin": 0.80,
    "sham_over_blind": 0.03,
    "where_over_start": 0.10,
    "where_over_sham": 0.08,
    "patch_embed_apart": 0.03,
    "alpha": 0.05,
}
SELF_SUPERVISED = ("dinov2_nano", "last")
"""Encoder and its default tap."""
Scores = dict[str, np.ndarray[Any, np.dtype[np.float64]]]
"""Tap to the IoU of each test picture."""


@dataclass(frozen=True)
class Family:
    """Where one family's criteria are read."""

    name: str
    before: str
    """Last tap before the projector."""
    behind: str
    last: str = "llm.04"


FAMILIES = (
    Family("llava_next_nano", "block.03", "post_projector"),
    Family("internvl2_nano", "pre_shuffle", "post_projector"),
    Family("cogvlm2_nano", "pre_conv", "vision_out"),
)


def carried(family: str) -> Path:
    """Folder of the weights that a plugin carries."""
    found = importlib.util.find_spec(f"foresight_{family.removesuffix('_nano')}")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "weights"


def weights_of(name: str, twins: Path) -> Path | None:
    """Folder of the trained weights of a size; None where there are none."""
    places = (twins / name, carried(name.rpartition("_")[0]) / name)
    return next((place for place in places if place.is_dir()), None)


def objectives_of(family: Family, twins: Path) -> list[str]:
    """Those that there are weights of."""
    return [name for name in ("what", "where", "sham") if weights_of(f"{family.name}_{name}", twins)]


def wanted(twins: Path) -> list[tuple[str, str, str, bool]]:
    """Data set, name of the scores, encoder, and whether it is at its start."""
    found = [("shapes", f"{each.name}_start", f"{each.name}_where", True) for each in FAMILIES]
    found += [
        ("shapes", f"{each.name}_{name}", f"{each.name}_{name}", False)
        for each in FAMILIES
        for name in objectives_of(each, twins)
    ]
    encoder = SELF_SUPERVISED[0]
    for data in ("shapes", "kinds"):
        found += [(data, f"{encoder}_start", encoder, True), (data, encoder, encoder, False)]
    return found


def scored(name: str, start: bool, drawn: Pictures, twins: Path) -> Scores:
    """All taps of one encoder on one set."""
    spec = load_registry().encoder(name)
    source = None if start or name in SELF_SUPERVISED else weights_of(name, twins)
    encoder = spec.build(
        BuildRequest(weights="random" if start else "nano", source=None if source is None else str(source))
    )
    taps = [tap.name for tap in spec.taps]
    parts = {
        split: [encoder.encode(batch, taps) for batch in torch.split(clips, 50)] for split, clips in drawn.clips.items()
    }
    return {
        tap: drawn.ious(lambda split, tap=tap: torch.cat([part[tap].tokens for part in parts[split]]))  # type: ignore[misc]
        for tap in taps
    }


def measure(folder: Path, twins: Path) -> dict[str, Scores]:
    """``SET/NAME`` to its scores; what the folder lacks is measured and kept there."""
    drawn: dict[str, Pictures] = {}
    for data, name, encoder, start in wanted(twins):
        path = folder / data / f"{name}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn.setdefault(data, Pictures(data))
            found = scored(encoder, start, drawn[data], twins)
            np.savez_compressed(path, **found)  # type: ignore[arg-type]
            print(data, name, {tap: round(float(values.mean()), 3) for tap, values in found.items()}, flush=True)
    return {f"{data}/{name}": dict(np.load(folder / data / f"{name}.npz")) for data, name, *_ in wanted(twins)}


def apart(scores: Mapping[str, Scores], first: str, second: str, tap: str) -> dict[str, float]:
    """Paired difference of two encoders at a tap, with its 95 % interval and the p value of sign flips."""
    one, other = scores[first][tap], scores[second][tap]
    pair = paired_difference(one, other, [str(index) for index in range(len(one))])
    assert pair.interval is not None
    assert pair.p_value is not None
    return {
        "difference": float(pair.difference),
        "low": float(pair.interval.low),
        "high": float(pair.interval.high),
        "p": float(pair.p_value),
    }


def learnt(family: Family, twins: Path) -> dict[str, Any]:
    """Criterion 1 by what each training's record says of held-out pictures."""
    held = {}
    for objective in objectives_of(family, twins):
        place = weights_of(f"{family.name}_{objective}", twins)
        assert place is not None
        rates = json.loads((place / "training.json").read_text(encoding="utf-8"))["held_out"]["rates"]
        told = {name: rates[name] >= BOUNDS[name] for name in ("colour", "kind")}
        if objective == "where":
            told["within_one"] = rates["within_one"] >= BOUNDS["within_one_bin"]
        if objective == "sham":
            blind = abs(rates["within_one"] - rates["blind_within_one"])
            told["within_one at the blind rate"] = blind <= BOUNDS["sham_over_blind"]
        held[objective] = {"rates": rates, "held": told}
    return {"met": all(all(each["held"].values()) for each in held.values()), "found": held}


def over_start(family: Family, scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Criterion 2."""
    names = (f"shapes/{family.name}_where", f"shapes/{family.name}_start")
    found = {tap: apart(scores, *names, tap) for tap in (family.behind, family.last)}
    return {"met": all(each["difference"] >= BOUNDS["where_over_start"] for each in found.values()), "found": found}


def over_sham(family: Family, scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Criterion 3."""
    where, what, sham = (f"shapes/{family.name}_{name}" for name in ("where", "what", "sham"))
    if sham not in scores:
        return {"met": None}
    taps = (family.before, family.behind, family.last)
    found = {tap: apart(scores, where, sham, tap) for tap in taps}
    for each, adjusted in zip(found.values(), holm([each["p"] for each in found.values()]), strict=True):
        each["holm"] = float(adjusted)
    first = apart(scores, where, what, "patch_embed")
    met = [each["difference"] >= BOUNDS["where_over_sham"] for each in found.values()]
    met += [each["holm"] < BOUNDS["alpha"] for each in found.values()]
    met.append(abs(first["difference"]) <= BOUNDS["patch_embed_apart"])
    return {"met": all(met), "found": found, "patch_embed": first}


def over_random(scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Criterion 4."""
    encoder, tap = SELF_SUPERVISED
    found = {data: apart(scores, f"{data}/{encoder}", f"{data}/{encoder}_start", tap) for data in ("shapes", "kinds")}
    return {"met": all(each["low"] > 0 for each in found.values()), "found": found}


def judged(scores: Mapping[str, Scores], twins: Path) -> dict[str, Any]:
    """All figures and what they say of the criteria."""
    differences: dict[str, Any] = {}
    for family in FAMILIES:
        taps = scores[f"shapes/{family.name}_start"]
        for first, second in (("where", "start"), ("where", "what"), ("where", "sham"), ("what", "start")):
            names = [f"shapes/{family.name}_{each}" for each in (first, second)]
            if all(name in scores for name in names):
                key = f"{family.name}: {first} - {second}"
                differences[key] = {tap: apart(scores, names[0], names[1], tap) for tap in taps}
    encoder = SELF_SUPERVISED[0]
    for data in ("shapes", "kinds"):
        names = [f"{data}/{encoder}", f"{data}/{encoder}_start"]
        differences[f"{encoder} - start on {data}"] = {
            tap: apart(scores, names[0], names[1], tap) for tap in scores[names[0]]
        }
    criteria = {
        **{f"1 learnt: {each.name}": learnt(each, twins) for each in FAMILIES},
        **{f"2 where over own start: {each.name}": over_start(each, scores) for each in FAMILIES},
        **{f"3 where over sham: {each.name}": over_sham(each, scores) for each in FAMILIES},
        f"4 over random: {encoder}": over_random(scores),
    }
    iou = {name: {tap: _interval(values) for tap, values in found.items()} for name, found in scores.items()}
    sizes = {"train": TRAIN, "test": TEST, "seeds": [0]}
    return {"sizes": sizes, "bounds": BOUNDS, "criteria": criteria, "iou": iou, "differences": differences}


def _interval(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    found = bootstrap_mean(values, [str(index) for index in range(len(values))])
    assert found.interval is not None
    return [float(found.mean), float(found.interval.low), float(found.interval.high)]


def _rounded(content: Any) -> Any:
    """Four digits are enough for anything here."""
    if isinstance(content, float):
        return round(content, 4)
    if isinstance(content, dict):
        return {str(key): _rounded(value) for key, value in content.items()}
    return [_rounded(value) for value in content] if isinstance(content, list | tuple) else content


def read_words(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked. Exits on a slip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--twins", type=Path, default=Path("twins"), help="folder of trained weights; default twins")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and judge."""
    asked = read_words(arguments)
    torch.set_num_threads(1)
    content = judged(measure(asked.scores, asked.twins), asked.twins)
    for name, verdict in content["criteria"].items():
        print({True: "met", False: "NOT MET", None: "not told"}[verdict["met"]], name)
    if asked.write:
        RESULT.write_text(json.dumps(_rounded(content), indent=1) + "\n", encoding="utf-8")
    return 0 if all(verdict["met"] for verdict in content["criteria"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
