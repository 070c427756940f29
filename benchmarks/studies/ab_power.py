"""Does ``foresight-bench ab`` find a planted slowdown of 10 %, and leave unchanged code alone? Twenty times each.

    python benchmarks/studies/ab_power.py [--repeats 20] [--sessions 4] [--threads 1] [--write]

In a clone of this repository one encoder is planted with work: after every forward it keeps the processor busy for a
tenth of the processor time that the forward took. A session checks out the base and starts both processes, as the
command does; a repeat builds both candidates anew on both sides and times them in turns, by the command's own
measuring and judging: the planted one, and one whose code is unchanged. Each repeat gives one verdict of each kind.

The slowdown must be found in every repeat, and the unchanged candidate must never be called slower. Fails where one of
the two does not hold. ``--write`` renews ``ab_power.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from foresight_harness.judging.ab.measuring import measure
from foresight_harness.judging.ab.resident import Resident
from foresight_harness.judging.ab.session import Session
from foresight_harness.judging.ab.trees import checked_out, working_tree
from foresight_harness.judging.analyses.ab import joint_level, judged, ratio_of
from foresight_harness.planning.options import RunOptions, parse_dataset

ROOT = Path(__file__).resolve().parents[2]
RESULT = Path(__file__).with_suffix(".json")
CANDIDATES = {
    "planted": "dinov2_tiny@last/identity/single/linear",
    "unchanged": "mae_tiny@last/identity/single/linear",
}
FILE = "plugins/dinov2/src/foresight_dinov2/encoder.py"
SHARE = 0.10
ROUNDS, TOLERANCE, DATASET = 25, 0.05, "shapes"
WORK = f"""

def _planted(encode):
    import time

    def slower(self, clips, taps):
        began = time.thread_time()
        found = encode(self, clips, taps)
        until = began + {1 + SHARE} * (time.thread_time() - began)
        while time.thread_time() < until:
            pass
        return found

    return slower


Dinov2Encoder.encode = _planted(Dinov2Encoder.encode)
"""


def clone(place: Path) -> Path:
    """This repository's last commit, with the work planted in the working tree alone."""
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(place)], check=True)
    file = place / FILE
    file.write_text(file.read_text(encoding="utf-8") + WORK, encoding="utf-8")
    return place


def session(root: Path, number: int, repeats: int) -> Iterator[dict[str, Any]]:
    """Two fresh processes; what they say of both candidates, so many times."""
    settings = RunOptions(datasets=(parse_dataset(DATASET),))
    order = random.Random(number)
    head = working_tree(root)
    with checked_out(root, "HEAD") as base, tempfile.TemporaryDirectory() as scratch:
        places = (Path(scratch) / "base", Path(scratch) / "head")
        for place in places:
            place.mkdir()
        with Resident(base, head, places[0]) as ours, Resident(head, base, places[1]) as theirs:
            Session(settings, DATASET, ROUNDS, TOLERANCE, number).open_sides((ours, theirs), places)
            for _ in range(repeats):
                told: dict[str, Any] = {"session": number, "load": round(os.getloadavg()[0], 1)}
                for name, candidate in CANDIDATES.items():
                    told[name] = verdict(ours, theirs, candidate, order)
                yield told


def verdict(base: Resident, head: Resident, candidate: str, order: random.Random) -> dict[str, Any]:
    """One candidate, timed and judged as one of two in a command."""
    level, began = joint_level(len(CANDIDATES)), time.monotonic()
    found = measure((base, head), candidate, DATASET, rounds=ROUNDS, tolerance=TOLERANCE, level=level, order=order)
    if found.reason:
        raise SystemExit(f"{candidate} was not timed: {found.reason}")
    ratio = ratio_of(np.array(found.base_s), np.array(found.head_s), level)
    said, _ = judged(ratio, TOLERANCE)
    numbers = {name: round(float(value or 0), 4) for name, value in (("low", ratio.low), ("high", ratio.high))}
    ratios = {"ratio": round(float(ratio.value or 0), 4), **numbers}
    milliseconds = round(1000 * float(np.median(found.base_s)), 2)
    spent = round(time.monotonic() - began, 1)
    return {"verdict": said, **ratios, "rounds": ratio.n, "base_ms": milliseconds, "wall_s": spent}


def main() -> int:
    """Print the figures; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=4, help="pairs of processes that the repeats are spread over")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    repeats: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="ab-power-") as place:
        root = clone(Path(place) / "tree")
        for number in range(options.sessions):
            for told in session(root, number, options.repeats // options.sessions):
                repeats.append(told)
                print(json.dumps(told), file=sys.stderr, flush=True)
    found: dict[str, Any] = {"repeats": len(repeats), "sessions": options.sessions, "planted_share": SHARE}
    for name in CANDIDATES:
        verdicts = [one[name]["verdict"] for one in repeats]
        found[name] = {said: verdicts.count(said) for said in sorted(set(verdicts))}
        found[f"{name}_ratios"] = sorted(one[name]["ratio"] for one in repeats)
    print(json.dumps(found, indent=1))
    aims = {
        f"the slowdown is found in all of {len(repeats)}": found["planted"].get("slower", 0) == len(repeats),
        f"unchanged code is called slower in none of {len(repeats)}": "slower" not in found["unchanged"],
    }
    for name, held in aims.items():
        print(f"{'met' if held else 'NOT MET'}: {name}")
    if options.write:
        RESULT.write_text(json.dumps({**found, "runs": repeats}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(aims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
