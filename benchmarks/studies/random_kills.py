"""Do runs that are killed at random moments end as undisturbed ones, whatever of them is killed?

    python benchmarks/studies/random_kills.py [--engine local:2] [--seed 19] [--record FILE]

`pytest benchmarks/` is started on a small plan, and at seeded moments, uniform over what an undisturbed run takes, one
of its processes is killed with SIGKILL: the driver, a worker, a node of a Ray cluster of two nodes on this machine, or
the only node of a cluster (its raylet, or its head). A driver that is gone is started again with `--resume`; a worker
or a node of two must cost nothing but time; without its only node a session must end by itself, in one line that names
`--resume`, within 30 s. After a few kills the run is brought to its end: its records must have the digests of the
undisturbed run, `verify` must find nothing, and no worker may outlive its driver.

Lives are forked from a server that has imported torch and pytest: what is killed is a whole pytest session, without the
seconds that importing takes. Chains of kills are kept in the record as they end; started again, the script goes on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.running.run_folder.digests import run_digests
from kill_chain import PATIENCE_S, Chain
from kill_targets import Clusters, Nobody, alive, kill, local_workers, wait_until

RECORD = Path(__file__).with_suffix(".json")
PRELOADED = ["torch", "pytest", "foresight_harness.running.keeper", "foresight_harness.running.engines.engines"]
WANTED = {
    "ray:2": {"driver": 4, "worker": 4, "node": 4, "only node": 3},
    "local:2": {"driver": 7, "worker": 8},
    "local": {"driver": 20},
}
MOST_KILLS = 6
"""Of one chain, so that later ones do not all fall on the last cells."""
ONE_LINE_S = 30.0
SAME = ("exit_code", "status", "records", "digests", "problems")
UNTIL = 0.8
"""Share of the time of the quickest undisturbed run so far, in which moments fall: the machine is not ours alone."""
LEFT_S = 60.0
"""How long a worker whose driver is gone may take to leave: one that has just been started imports first."""


def kill_of(chain: Chain, kind: str, took: float) -> dict[str, Any] | None:
    """Kill one process of a chain at a moment that is drawn; None where the run had ended before."""
    if chain.process is None:
        chain.nodes(1 if kind == "only node" else 2)
        chain.launch()
    process = chain.process
    assert process is not None
    moment, began = chain.draw.uniform(0, UNTIL * took), time.monotonic()
    wait_until(chain.ended, moment)
    workers = local_workers(int(process.pid or 0))
    try:
        if kind == "driver":
            victim = "driver" if not chain.ended() else ""
            process.kill()
        elif kind == "worker":
            pid = int(process.pid or 0)
            find = chain.cluster.workers if chain.cluster else lambda: local_workers(pid)
            victim = kill(find, chain.ended, chain.draw)
        else:
            assert chain.cluster is not None
            victim = chain.cluster.kill_node(kind == "only node", chain.draw) if not chain.ended() else ""
    except Nobody:
        victim = ""
    if not victim or (kind == "driver" and process.join(PATIENCE_S) is None and process.exitcode != -9):
        return None
    found: dict[str, Any] = {"kind": kind, "victim": victim, "drawn_s": round(moment, 2)}
    found["after_s"] = round(time.monotonic() - began, 2)
    if kind == "driver":
        chain.finish()
        wait_until(lambda: not alive(workers), LEFT_S)
        found["left_running"] = len(alive(workers))
    if kind == "only node":
        found |= end_without_a_node(chain)
    return found


def end_without_a_node(chain: Chain) -> dict[str, Any]:
    """How the session of a cluster that is gone ended: seconds, exit code, and lines that say so."""
    began = time.monotonic()
    code = chain.finish()
    took = round(time.monotonic() - began, 1)
    text = chain.log.read_text(encoding="utf-8", errors="replace")
    said = [line for line in text.splitlines() if "--engine ray" in line and "engine ray:2" not in line]
    lines = [line for line in said if not line.startswith("!")]  # pytest's own banner repeats the reason
    chain.clusters.close()
    traceback = "Traceback (most recent call last)" in text
    return {"ended_after_s": took, "exit_code": code, "said": [line[:300] for line in lines], "traceback": traceback}


def one_chain(chain: Chain, took: float, wanted: dict[str, int]) -> dict[str, Any]:
    """A run, its kills, and what became of it."""
    kills: list[dict[str, Any]] = []
    began = time.monotonic()
    try:
        while len(kills) < MOST_KILLS and any(wanted.values()):
            kinds = [kind for kind, count in wanted.items() if count]
            if chain.process is not None and "only node" in kinds and len(kinds) > 1:
                kinds.remove("only node")  # it is a cluster of its own
            if chain.process is not None and kinds == ["only node"]:
                break
            kind = chain.draw.choices(kinds, [wanted[each] for each in kinds])[0]
            done = kill_of(chain, kind, took)
            if done is None:
                break
            wanted[kind] -= 1
            kills.append(done)
            print(json.dumps(done), flush=True)
        if chain.process is None:
            chain.nodes(2)
            chain.launch()
        code = chain.finish()
        print(f"ended with {code} after {len(chain.codes)} lives", flush=True)
        if code != 0:
            sys.exit(chain.log.read_text(encoding="utf-8", errors="replace"))
        seconds = round(time.monotonic() - began, 1)
        return {"kills": kills, "lives": len(chain.codes), "seconds": seconds, "exit_code": code, **state_of(chain)}
    finally:
        chain.close()


def state_of(chain: Chain) -> dict[str, Any]:
    """What a finished run says of itself."""
    manifest = json.loads((chain.run() / "run.json").read_text(encoding="utf-8"))
    records = chain.records()
    return {
        "status": manifest["status"],
        "records": len(records),
        "digests": run_digests(records),
        "problems": list(verify(chain.run()).problems),
    }


def faults_of(chain: dict[str, Any], calm: dict[str, Any]) -> list[str]:
    """What should not have been, in words."""
    said = [f"other {name}: {chain[name]!s:.200}" for name in SAME if chain[name] != calm[name]]
    for one in chain["kills"]:
        if one.get("left_running"):
            said.append(f"{one['left_running']} workers outlived their driver by {LEFT_S:g} s")
        if one["kind"] == "only node":
            lines = one["said"]
            if len(lines) != 1 or "--resume" not in lines[0] or one["traceback"] or one["ended_after_s"] > ONE_LINE_S:
                said.append(f"without its only node: {len(lines)} lines, {one['ended_after_s']} s")
    return said


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Figures over all chains."""
    chains = [chain for engine in found["engines"].values() for chain in engine["chains"]]
    kills = [one for chain in chains for one in chain["kills"]]
    digests = [engine["undisturbed"]["digests"] for engine in found["engines"].values()]
    alike = [one[name] == other[name] for one in digests for other in digests for name in one.keys() & other.keys()]
    return {
        "kills": len(kills),
        "chains": len(chains),
        "chains_equal": sum(not chain["faults"] for chain in chains),
        "engines_equal": all(alike),
        "longest_end_without_the_only_node_s": max((one.get("ended_after_s", 0.0) for one in kills), default=0.0),
    }


def of_engine(name: str, found: dict[str, Any], seed: int, clusters: Clusters, keep: Callable[[], None]) -> None:
    """All kills of an engine that are not in the record yet."""
    ours = found["engines"].setdefault(name, {})
    with tempfile.TemporaryDirectory() as place:
        if "undisturbed" not in ours:
            folder = Path(place, "calm")
            folder.mkdir()
            ours.update({"undisturbed": one_chain(Chain(folder, name, "", clusters), 0.0, {}), "chains": []})
            keep()
        print(json.dumps({name: ours["undisturbed"]}), flush=True)
        done = Counter(one["kind"] for chain in ours["chains"] for one in chain["kills"])
        wanted = {kind: count - done[kind] for kind, count in WANTED[name].items()}
        while any(wanted.values()):
            index = len(ours["chains"])
            folder = Path(place, f"chain{index}")
            folder.mkdir()
            torn = Chain(folder, name, f"{seed} {name} {index}", clusters)
            calm = [ours["undisturbed"], *(chain for chain in ours["chains"] if not chain["kills"])]
            chain = one_chain(torn, min(one["seconds"] for one in calm), wanted)
            chain["faults"] = faults_of(chain, ours["undisturbed"])
            chain["digests_equal"] = chain.pop("digests") == ours["undisturbed"]["digests"]
            ours["chains"].append(chain)
            keep()
            print(json.dumps(chain["faults"]), flush=True)
            if chain["faults"]:
                print("\n".join(path.read_text(errors="replace")[-4000:] for path in sorted(folder.glob("life*.txt"))))
                sys.exit(f"{name}, chain {index}: {'; '.join(chain['faults'])}")
            shutil.rmtree(folder)


def main() -> None:
    """Kill what is wanted, engine by engine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", action="append", choices=sorted(WANTED), help="repeatable; default all")
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--record", type=Path, default=RECORD, help="where figures are kept, and taken up again")
    arguments = parser.parse_args()
    record: Path = arguments.record
    found = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {"engines": {}}

    def keep() -> None:
        found["command"] = "python benchmarks/studies/random_kills.py"
        found["summary"] = summary(found)
        record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    os.environ["OMP_NUM_THREADS"] = "1"
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    clusters = Clusters()
    try:
        for name in arguments.engine or WANTED:
            of_engine(name, found, arguments.seed, clusters, keep)
    finally:
        clusters.close()
    print(json.dumps(found["summary"], indent=1))


if __name__ == "__main__":
    main()
