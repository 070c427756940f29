"""Do runs that are killed at random moments end as undisturbed ones, whatever of them is killed?

    python benchmarks/studies/random_kills.py [--engine local:2] [--seed 19] [--record FILE]

Design, written before the first kill of this record:

- The plan is the same for every engine: four streams of controls (two encoders x two enhancers), suite `alignment`,
  24 training and 96 test pictures of 64 px, 12 records. It is small so that starting, cells and concluding take alike.
- Kills: `local` 16 drivers; `local:2` 8 drivers, 8 workers; `ray:2` on a cluster of two nodes on this machine 5
  drivers, 5 workers, 5 times one node of the two; on a cluster of one node 3 times that node (its raylet, or the head
  that it is). 50 in all; added after one of these three ended after 31.8 s and that was mended: 3 more of the kind, and
  12 more after connecting was bounded too. All with SIGKILL, at seeded moments uniform over 0.8 of the time of the
  quickest run that nothing was killed of.
- A driver that is gone is started again with `--resume`. A worker, or one node of two, must cost nothing but time.
  Without its only node a session must end by itself within 30 s, in one line that names `--resume`, without a
  traceback; it is then resumed on a new cluster. Added after one such was seen: a session that has finished all the
  same within that time, because its workers outlived their head, has lost nothing and needs no line.
- After at most four kills a chain is brought to its end. It is at fault unless exit code, status, number of records and
  digests are those of the undisturbed run, `verify` finds nothing, and no worker outlives its driver by 60 s.
- Because none of those 12 fell on connecting: 4 more of only nodes, at moments uniform over the first 2 s of a session;
  one of them ended after 61 s without a line (Ray's client holds the interpreter, then ends the process), so 6 more
  after that was mended: a small process beside it says the line and kills it (exit -9 instead of 2). Two of the six
  took 40 and 48 s at a load of 14 and a lower priority than what else ran; 6 more at the usual one, because the code
  was changed under the first three of them (chain 24: `--resume` refused that, rightly).
- Undisturbed is a run of the commit that kills are made on. The first six kills of only nodes after connecting was
  bounded (chains 10 to 15) were compared with a run of older code, which had other numbers: their chains stay in the
  record as at fault, as do four without any kill, and six more were made.
- A run that ends before its moment comes loses no kill: its chain ends there, and another is begun.
- The record (`random_kills.jsonl`) is written by this script alone, a line a kill, only ever appended. Chains at fault
  stay in it and count as kills; a chain that a call left unfinished is said to be given up and counts for nothing.
  Started again, the script goes on; each call writes down the commit that it ran on.

Lives are forked from a server that has imported torch, pytest and what a session imports of the harness: what is killed
is a whole pytest session, without the seconds that importing takes. Workers import as they always do.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.running.run_folder.digests import run_digests
from kill_chain import PATIENCE_S, ROOT, Chain
from kill_record import KillRecord
from kill_targets import Clusters, Nobody, alive, kill, local_workers, wait_until

RECORD = Path(__file__).with_suffix(".jsonl")
SESSION = ("collection", "distributed", "scoring", "summary")
PRELOADED = [
    *("torch", "pandas", "pytest", "pytest_benchmark.plugin", "foresight_reports.page"),
    *(f"foresight_harness.surface.pytest_plugin.{name}" for name in SESSION),
    *("foresight_harness.measuring.builtin_suites", "foresight_harness.measuring.suites.alignment"),
    *("foresight_harness.parts.metrics.cka", "foresight_harness.parts.datasets.shapes"),
    *("foresight_harness.running.engines.engines", "foresight_harness.running.engines.workers"),
    *("foresight_harness.judging.analyses.rankings", "foresight_harness.running.lifecycle.failures"),
]
EARLY = "only node, as a session connects"
EARLY_S = 2.0
ALONE = ("only node", EARLY)
WANTED = {
    "ray:2": {"driver": 5, "worker": 5, "node": 5, "only node": 15, EARLY: 16},
    "local:2": {"driver": 8, "worker": 8},
    "local": {"driver": 16},
}
MOST_KILLS = 4
"""Of one chain, so that later ones do not all fall on the last cells."""
ONE_LINE_S = 30.0
SAME = ("exit_code", "status", "records", "digests", "problems")
UNTIL = 0.8
LEFT_S = 60.0
"""How long a worker whose driver is gone may take to leave: one that has just been started imports first."""


def kill_of(chain: Chain, kind: str, took: float, calm: dict[str, Any]) -> dict[str, Any] | None:
    """Kill one process of a chain at a moment that is drawn; None where the run had ended before."""
    if chain.process is None:
        chain.nodes(1 if kind in ALONE else 2)
        chain.launch()
    process = chain.process
    assert process is not None
    moment, began = chain.draw.uniform(0, EARLY_S if kind == EARLY else UNTIL * took), time.monotonic()
    wait_until(chain.ended, moment)
    workers, lines = local_workers(int(process.pid or 0)), chain.lines_now()
    victim = victim_of(chain, kind)
    if kind == "driver":
        process.join(PATIENCE_S)
        victim = victim if process.exitcode == -signal.SIGKILL else ""
    if not victim:
        return None
    found: dict[str, Any] = {"kind": kind, "victim": victim, "life": chain.lives, "drawn_s": round(moment, 2)}
    found |= {"after_s": round(time.monotonic() - began, 2), "records_then": lines}
    found["among"] = "start" if not lines else "cells" if lines < calm["records"] else "end"
    if kind == "driver":
        chain.finish()
        wait_until(lambda: not alive(workers), LEFT_S)
        found["left_running"] = len(alive(workers))
    if kind in ALONE:
        found |= end_without_a_node(chain)
    return found


def victim_of(chain: Chain, kind: str) -> str:
    """Kill a driver, a worker or a node now, or as soon as there is one; empty where the run ends before."""
    process = chain.process
    assert process is not None
    pid = int(process.pid or 0)
    if chain.ended():
        return ""
    if kind == "driver":
        process.kill()
        return "driver"
    if kind == "worker":
        find = chain.cluster.workers if chain.cluster else lambda: local_workers(pid)
        try:
            return kill(find, chain.ended, chain.draw)
        except Nobody:
            return ""
    assert chain.cluster is not None
    return chain.cluster.kill_node(kind in ALONE, chain.draw)


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


def kills_of(
    chain: Chain, calm: dict[str, Any], wanted: dict[str, int], number: int, record: KillRecord
) -> list[dict[str, Any]]:
    """Kill of a chain what is wanted, until it has had enough or ends. Returns: the lines of its kills."""
    took, found = record.quickest_s(chain.engine, calm), []
    for _ in range(MOST_KILLS):
        kinds = [kind for kind, count in wanted.items() if count]
        if chain.process is not None:
            kinds = [kind for kind in kinds if kind not in ALONE]  # that is a cluster of its own
        if chain.process is not None and "node" in kinds and not chain.clusters.whole():
            kinds.remove("node")  # of two, one is gone already
        if not kinds:
            break
        kind = chain.draw.choices(kinds, [wanted[each] for each in kinds])[0]
        done = kill_of(chain, kind, took, calm)
        if done is None:
            break
        wanted[kind] -= 1
        found.append(done)
        record.add("kill", engine=chain.engine, chain=number, **done)
    return found


def ended(chain: Chain, began: float) -> dict[str, Any]:
    """Bring a chain to its end. Returns: what the finished run says of itself."""
    if chain.process is None:
        chain.nodes(2)
        chain.launch()
    found: dict[str, Any] = {"exit_code": chain.finish(), "lives": len(chain.codes)}
    found["seconds"] = round(time.monotonic() - began, 1)
    try:
        manifest = json.loads((chain.run() / "run.json").read_text(encoding="utf-8"))
        records = chain.records()
        found |= {"status": manifest["status"], "records": len(records)}
        return found | {"digests": run_digests(records), "problems": list(verify(chain.run()).problems)}
    except (OSError, ValueError, KeyError, ForesightError) as error:
        unread = f"{type(error).__name__}: {error}"
        return found | {"status": "unreadable", "records": 0, "digests": {}, "problems": [unread]}


def faults_of(kills: list[dict[str, Any]], found: dict[str, Any], calm: dict[str, Any]) -> list[str]:
    """What should not have been, in words."""
    said = [f"other {name}: {found[name]!s:.200}" for name in SAME if found[name] != calm[name]]
    for one in kills:
        if one.get("left_running"):
            said.append(f"{one['left_running']} workers outlived their driver by {LEFT_S:g} s")
        if one["kind"] in ALONE:
            lines = one["said"]
            told = one["exit_code"] != 0 and len(lines) == 1 and "--resume" in lines[0]
            finished = one["exit_code"] == 0 and not lines
            if one["traceback"] or one["ended_after_s"] > ONE_LINE_S or not (told or finished):
                said.append(f"without its only node: {len(lines)} lines, {one['ended_after_s']} s")
    return said


def undisturbed(name: str, place: Path, clusters: Clusters, record: KillRecord) -> dict[str, Any]:
    """The run of an engine that nothing is killed of: that of the record, or a new one where the code is another."""
    commit = record.of("begun")[-1]["commit"]
    calm = record.undisturbed(name, commit)
    if calm is None:
        folder = place / "calm"
        folder.mkdir()
        chain = Chain(folder, name, "", clusters)
        try:
            found = ended(chain, time.monotonic())
        finally:
            chain.close()
        if found["exit_code"] or found["problems"]:
            sys.exit(chain.log.read_text(encoding="utf-8", errors="replace"))
        calm = record.add("undisturbed", engine=name, commit=commit, **found)
    return calm


def of_engine(name: str, seed: int, clusters: Clusters, record: KillRecord) -> None:
    """All kills of an engine that are not in the record yet."""
    record.give_up(name)
    with tempfile.TemporaryDirectory() as place:
        calm = undisturbed(name, Path(place), clusters, record)
        done = Counter(line["kind"] for line in record.kills(name))
        wanted = {kind: count - done[kind] for kind, count in WANTED[name].items()}
        while any(wanted.values()):
            number = record.next_chain(name)
            folder = Path(place, f"chain{number}")
            folder.mkdir()
            chain, began = Chain(folder, name, f"{seed} {name} {number}", clusters), time.monotonic()
            try:
                kills = kills_of(chain, calm, wanted, number, record)
                found = ended(chain, began)
            finally:
                chain.close()
            faults, equal = faults_of(kills, found, calm), found.pop("digests") == calm["digests"]
            record.add("end", engine=name, chain=number, kills=len(kills), **found, digests_equal=equal, faults=faults)
            if faults:
                print("\n".join(path.read_text(errors="replace")[-4000:] for path in sorted(folder.glob("life*.txt"))))
            shutil.rmtree(folder)


def main() -> None:
    """Kill what is wanted, engine by engine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", action="append", choices=sorted(WANTED), help="repeatable; default all")
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--record", type=Path, default=RECORD, help="where lines are appended, and taken up again")
    arguments = parser.parse_args()
    record = KillRecord(arguments.record)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    record.add("begun", command="python benchmarks/studies/random_kills.py", commit=commit.stdout.strip()[:12])
    os.environ["OMP_NUM_THREADS"] = "1"
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    clusters = Clusters()
    try:
        for name in arguments.engine or WANTED:
            of_engine(name, arguments.seed, clusters, record)
    finally:
        clusters.close()
    told = record.summary()
    record.add("summary", **told)
    if told["chains_with_faults"] or not told["engines_equal"]:
        sys.exit(f"{told['chains_with_faults']} chains at fault")


if __name__ == "__main__":
    main()
