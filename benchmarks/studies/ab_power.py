"""Does ``foresight-bench ab`` find a planted slowdown of 10 %, and leave unchanged code alone? Twenty whole commands.

    python benchmarks/studies/ab_power.py [--repeats 20] [--threads 1] [--write]

In a clone of this repository one encoder is planted with work: after every forward it keeps the processor busy for a
tenth of the processor time that the forward took. Each repeat is the command as a user types it: it checks out the
base, starts both processes, imports both trees, and times two candidates in turns, the planted one and one whose code
is unchanged. So each repeat gives one verdict of each kind, and no process serves two repeats.

The slowdown must be found in every repeat, and the unchanged candidate must never be called slower. Fails where one of
the two does not hold. ``--write`` renews ``ab_power.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULT = Path(__file__).with_suffix(".json")
PLANTED, UNCHANGED = "dinov2_tiny@last/identity/single/linear", "mae_tiny@last/identity/single/linear"
FILE = "plugins/dinov2/src/foresight_dinov2/encoder.py"
SHARE = 0.10
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


def repeat(tree: Path, number: int, threads: int) -> dict[str, Any]:
    """One command: what it said of both candidates."""
    command = [str(Path(sys.executable).with_name("foresight-bench")), "ab", "--base", "HEAD", "--json"]
    command += ["--candidate", PLANTED, "--candidate", UNCHANGED, "--dataset", "shapes", "--seed", str(number)]
    began = time.monotonic()
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"repeat {number} ended with {done.returncode}: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    rows = {row["candidate"]: row for row in found["rows"]}
    told = {"exit": done.returncode, "load": round(os.getloadavg()[0], 1), "wall_s": round(time.monotonic() - began)}
    for name, candidate in (("planted", PLANTED), ("unchanged", UNCHANGED)):
        row = rows[candidate]
        ratio = {end: round(row["ratio"][end], 4) for end in ("value", "low", "high")}
        told[name] = {"verdict": row["verdict"], **ratio, "rounds": row["ratio"]["n"]}
    return told


def main() -> int:
    """Print the figures; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ab-power-") as place:
        tree = clone(Path(place) / "tree")
        repeats = []
        for number in range(options.repeats):
            repeats.append(repeat(tree, number, options.threads))
            print(json.dumps(repeats[-1]), file=sys.stderr, flush=True)
    found = {
        "repeats": len(repeats),
        "planted_share": SHARE,
        "planted_slower": sum(one["planted"]["verdict"] == "slower" for one in repeats),
        "unchanged_slower": sum(one["unchanged"]["verdict"] == "slower" for one in repeats),
        "unchanged_within_noise": sum(one["unchanged"]["verdict"] == "within noise" for one in repeats),
        "planted_ratios": sorted(one["planted"]["value"] for one in repeats),
        "unchanged_ratios": sorted(one["unchanged"]["value"] for one in repeats),
        "runs": repeats,
    }
    print(json.dumps({name: value for name, value in found.items() if name != "runs"}, indent=1))
    aims = {
        f"the slowdown is found in all of {len(repeats)}": found["planted_slower"] == len(repeats),
        f"unchanged code is called slower in none of {len(repeats)}": found["unchanged_slower"] == 0,
    }
    for name, held in aims.items():
        print(f"{'met' if held else 'NOT MET'}: {name}")
    if options.write:
        RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(aims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
