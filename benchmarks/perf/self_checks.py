"""What do spot checks, the seal and snapshots of the process cost on a smoke run?

    OMP_NUM_THREADS=1 python benchmarks/perf/self_checks.py [--pairs 4] [--cache warm] [--few | --whole] [--write]

A selection of the smoke run (eight of its 22 encoders, suites `spatial` and `reconstruction` on `shapes` and `kinds`,
64 training pictures; controls, conclusions and page included) is scored again and again, in turns with and without
all three, the order of a pair changing from pair to pair; processor seconds of this process. The ratio is that of
each pair, its interval a t interval of the logarithms. With a warm cache features are read, and two samples of each
(encoder, data set) are made again to compare; with a cold one everything is made, and there is nothing to compare.
``--few`` halves the encoders, on `shapes` alone and 24 training pictures, so that pairs of cold runs can be had.
All three are also timed where they happen, builds of encoders for spot checks included, which tells more than pairs
can on a busy machine.

``--whole`` scores the whole smoke matrix in this process, as ``pytest benchmarks/`` does, in an empty cache and then in
the one that this filled; all three are timed where they happen, so that one run tells their share of itself. With
``--pairs N`` that is scored N times more with and without all three, in turns.

Libraries are imported by the first run, which is not counted: in the smoke run `efficiency` builds every encoder, so
that they are imported with and without checks. Where nothing else would, a warm run pays for that import too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import score
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.measuring.extraction.latents import Latents
from foresight_harness.measuring.extraction.splits import Splits
from foresight_harness.measuring.extraction.stage import Extraction
from foresight_harness.planning.plugin_calls import calls
from foresight_harness.planning.plugin_calls.process_state import ProcessState
from foresight_harness.running import keeper
from foresight_harness.running.lifecycle.sealing import seal

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_suffix(".json")
STREAMS = (
    *("dinov2_tiny@last", "mae_tiny@last", "alexnet@relu3", "cogvlm2_tiny@vision_out", "qwen2_5_vl_nano_what@llm.04"),
    *("internvl2_tiny@post_projector", "qwen2_5_vl_tiny@post_merge", "pixels@patch"),
)
CANDIDATES = tuple(f"{stream}/identity/single/linear" for stream in STREAMS)
DATASETS = ("shapes", "kinds")
FEW = (*CANDIDATES[::4], *CANDIDATES[2::5])
"""`dinov2_tiny`, `qwen2_5_vl_nano_what`, `alexnet` and `pixels`."""
LOOKS = ((Extraction, "_stale_taps"), (Latents, "_is_stale"), (Splits, "_is_other"))
"""Where it is looked whether the cache still holds what the parts make."""
NEEDED = ((ArrayStore, "open"), (Latents, "decoder"))
"""What a look is only the first to do: the run opens the same entries (whose checksums are then compared, once a
process) and builds the same decoder. It is not counted as the look's."""
MOST = 0.03
T_975 = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228, 11: 2.201}
"""97.5 % points of Student's t by degrees of freedom."""


class NoSnapshot:
    """In the place of a snapshot of the process."""

    @classmethod
    def now(cls, *, random: bool = False) -> NoSnapshot:
        """Looks at nothing."""
        return cls()

    def put_back(self) -> str:
        """Puts nothing back."""
        return ""


class Timed:
    """Snapshots, seal and spot checks of one run, and the processor seconds that they took."""

    def __init__(self) -> None:
        self.snapshots = self.seconds = self.seal_s = self.checks_s = 0.0
        self._looks = 0

    def told(self) -> dict[str, float]:
        """What was counted and timed."""
        told = {"snapshots": self.snapshots, "snapshots_s": self.seconds, "seal_s": self.seal_s}
        return {"checks_s": self.checks_s, **told}

    def looking(self, owner: type, name: str) -> Callable[..., Any]:
        """The method of a class that looks at what the cache holds, timed."""
        inner = getattr(owner, name)

        def timed(this: Any, *given: Any) -> Any:
            began = time.process_time()
            self._looks += 1
            try:
                return inner(this, *given)
            finally:
                self._looks -= 1
                self.checks_s += time.process_time() - began

        return timed

    def needed(self, owner: type, name: str) -> Callable[..., Any]:
        """A method that a run needs anyway: what it takes within a look is taken off."""
        inner = getattr(owner, name)

        def timed(this: Any, *given: Any) -> Any:
            again = name == "open" and given[0] in this._verified
            began = time.process_time()
            try:
                return inner(this, *given)
            finally:
                if self._looks and not again:
                    self.checks_s -= time.process_time() - began

        return timed

    def seal(self, run: Path) -> str:
        """The seal, timed."""
        began = time.process_time()
        digest = seal(run)
        self.seal_s += time.process_time() - began
        return digest

    def now(self, *, random: bool = False) -> Timed.Snapshot:
        """A snapshot, timed."""
        began = time.process_time()
        state = ProcessState.now(random=random)
        self.seconds += time.process_time() - began
        self.snapshots += 1
        return Timed.Snapshot(self, state)

    class Snapshot:
        """One that is put back in time."""

        def __init__(self, timed: Timed, state: ProcessState) -> None:
            self._timed, self._state = timed, state

        def put_back(self) -> str:
            """As the snapshot does."""
            began = time.process_time()
            moved = self._state.put_back()
            self._timed.seconds += time.process_time() - began
            return moved


@contextmanager
def instead(snapshot: Any, sealing: Callable[[Path], str]) -> Iterator[None]:
    """Other snapshots and another seal for as long as a run takes."""
    before = calls.ProcessState, keeper.seal
    kept = [(owner, name, getattr(owner, name)) for owner, name in (*LOOKS, *NEEDED)]
    calls.ProcessState, keeper.seal = snapshot, sealing  # type: ignore[misc]
    for owner, name in LOOKS if isinstance(snapshot, Timed) else ():
        setattr(owner, name, snapshot.looking(owner, name))
    for owner, name in NEEDED if isinstance(snapshot, Timed) else ():
        setattr(owner, name, snapshot.needed(owner, name))
    try:
        yield
    finally:
        for owner, name, method in kept:
            setattr(owner, name, method)
        calls.ProcessState, keeper.seal = before  # type: ignore[misc]


def a_run(cache: Path, checked: bool, few: bool) -> dict[str, float]:
    """Processor seconds of one run, and of what was timed in it."""
    timed = Timed()
    candidates, datasets, size = (FEW, DATASETS[:1], 24) if few else (CANDIDATES, DATASETS, 64)
    with tempfile.TemporaryDirectory() as place:
        given = {"out": Path(place), "feature_cache": cache, "train_size": size, "no_spot_check": not checked}
        began = time.process_time()
        with instead(timed if checked else NoSnapshot, timed.seal if checked else lambda run: ""):
            run = score(candidates, ("spatial", "reconstruction"), datasets, **given)
        took = time.process_time() - began
        assert not run.failures
    return {"s": took, **timed.told()}


def whole_run(cache: Path, checked: bool = True) -> dict[str, float]:
    """Processor seconds of the smoke run in this process, from collection to page, and of what was timed in it."""
    timed = Timed()
    with tempfile.TemporaryDirectory() as place:
        given = ["--benchmark-quiet", "-q", "-p", "no:cacheprovider", "--feature-cache", str(cache), "--out", place]
        given += [] if checked else ["--no-spot-check"]
        began = time.process_time()
        with instead(timed if checked else NoSnapshot, timed.seal if checked else lambda run: ""):
            code = pytest.main([str(ROOT / "benchmarks"), *given])
        took = time.process_time() - began
    assert code == 0, f"pytest ended with {code}"
    return {"s": took, **timed.told()}


def whole_runs(pairs: int) -> dict[str, Any]:
    """Shares of the smoke run in an empty cache and in the one that it filled, and pairs of runs in that one."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as cache:
        for name in ("cold", "warm"):
            one = whole_run(Path(cache))
            found[name] = {"seconds": round(one["s"], 1), **shares_of([one])}
        if pairs:
            found["warm_pairs"] = figures(in_turns(pairs, lambda pair, checked: whole_run(Path(cache), checked)))
    return {**found, "share_of_all": max(one["share_of_all"] for one in found.values())}


def pairs_of(count: int, warm: bool, few: bool) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Runs of a selection with and without, in turns."""
    with tempfile.TemporaryDirectory() as place:
        caches = Path(place)
        a_run(caches / "warm", False, few)  # imports, and the warm cache
        return in_turns(
            count, lambda pair, checked: a_run(caches / ("warm" if warm else f"cold{pair}{checked}"), checked, few)
        )


def in_turns(
    count: int, run: Callable[[int, bool], dict[str, float]]
) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Pairs of runs with and without, the order changing from pair to pair."""
    found = []
    for pair in range(count):
        told = {checked: run(pair, checked) for checked in ((True, False) if pair % 2 else (False, True))}
        found.append((told[True], told[False]))
        print(f"{told[True]['s']:.2f} s with, {told[False]['s']:.2f} s without", flush=True)
    return found


def shares_of(runs: list[dict[str, float]]) -> dict[str, float]:
    """What the three took where they happen, as shares of whole runs."""
    whole = sum(one["s"] for one in runs)
    names = ("checks", "snapshots", "seal")
    shares = {f"share_of_{name}": round(sum(one[f"{name}_s"] for one in runs) / whole, 5) for name in names}
    snapshots = round(statistics.mean(one["snapshots"] for one in runs))
    return {"snapshots_a_run": snapshots, **shares, "share_of_all": round(sum(shares.values()), 5)}


def alone_cold(few: bool) -> dict[str, Any]:
    """The first run of all in this process, with all three: imports count too."""
    with tempfile.TemporaryDirectory() as place:
        one = a_run(Path(place, "cold"), True, few)
    return {"seconds": round(one["s"], 2), **shares_of([one])}


def figures(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> dict[str, Any]:
    """Ratio with interval, and shares of what was timed."""
    logs = [math.log(one["s"] / other["s"]) for one, other in pairs]
    middle, half = statistics.mean(logs), T_975[len(logs) - 1] * statistics.stdev(logs) / math.sqrt(len(logs))
    return {
        "pairs": [[round(one["s"], 3), round(other["s"], 3)] for one, other in pairs],
        "ratio": round(math.exp(middle), 4),
        "interval": [round(math.exp(middle - half), 4), round(math.exp(middle + half), 4)],
        **shares_of([one for one, _ in pairs]),
    }


def main() -> None:
    """Measure, print, and fail above the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, help="4, and none of --whole; 0: one cold run alone, timed inside")
    parser.add_argument("--cache", choices=("warm", "cold"), default="warm")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--few", action="store_true", help="a smaller selection")
    size.add_argument("--whole", action="store_true", help="the whole smoke run, cold and then warm")
    parser.add_argument("--write", action="store_true", help=f"keep the figures under the cache in {RECORD.name}")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"command": " ".join(["python benchmarks/perf/self_checks.py", *sys.argv[1:]])}
    found["load_before"] = round(os.getloadavg()[0], 1)
    pairs = 4 if arguments.pairs is None and not arguments.whole else arguments.pairs or 0
    if arguments.whole:
        found |= whole_runs(pairs)
    elif pairs:
        found |= figures(pairs_of(pairs, arguments.cache == "warm", arguments.few))
    else:
        found |= alone_cold(arguments.few)
    print(json.dumps(found, indent=1))
    if arguments.write:
        kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
        name = "whole" if arguments.whole else arguments.cache + "_few" * arguments.few
        RECORD.write_text(json.dumps({**kept, name: found}, indent=1) + "\n", encoding="utf-8")
    interval = found.get("warm_pairs", found).get("interval", [0])
    if found["share_of_all"] > MOST or interval[0] > 1 + MOST:  # the whole interval
        sys.exit(f"over {MOST:.0%}")


if __name__ == "__main__":
    main()
