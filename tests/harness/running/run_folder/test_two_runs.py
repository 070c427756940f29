"""Two runs at once, in processes of their own, on one cache and one folder of runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from foresight_harness.measuring.cache import upkeep
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.folder import RunFolder, find_run

RUN = """
import json, sys, time
from dataclasses import replace
from pathlib import Path

import torch
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
from foresight_harness.contracts.progress import silent
from foresight_harness.planning.registry import own_registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.planning.plan import PlannedCell

place, mine, other = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
few = dict(train=24, test=16, pictures=2, steps=8, batch=8, permutations=5, resamples=200)
scale.SCALES["smoke"] = replace(scale.SCALES["smoke"], **few)
registry = own_registry()
data = DatasetChoice("shapes")
(place / mine).touch()
while not (place / other).exists():  # both begin together
    time.sleep(0.005)
keeper = RunKeeper(registry, RunOptions(datasets=(data,), out=place / "runs", cache=place / "cache"), silent(), "test")
names = ["oracle@mask/identity/single/linear", "pixels@patch/identity/single/linear"]
cells = [PlannedCell(resolve(parse_candidate(name), registry), registry.suite("alignment"), data) for name in names]
keeper.plan(cells)
for cell in cells:
    keeper.run_cell(cell)
keeper.close("complete")
print(json.dumps({"run": str(keeper.folder.path), "forwards": dict(keeper.workshop.extraction.forwards)}))
"""


def test_two_runs_at_once_share_features_and_write_equal_records_apart(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", RUN, str(tmp_path), *names] for names in (("one", "two"), ("two", "one"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for command in commands]
    told = [json.loads(process.communicate(timeout=1800)[0].splitlines()[-1]) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    first, second = (RunFolder(Path(one["run"])) for one in told)
    assert first.path != second.path
    assert find_run(tmp_path / "runs") in (first.path.resolve(), second.path.resolve())
    assert len(first.records()) > 5
    assert run_digests(first.records()) == run_digests(second.records())
    forwards = {name: sum(one["forwards"].get(name, 0) for one in told) for name in ("oracle", "pixels")}
    assert forwards == {"oracle": 40, "pixels": 40}  # every picture once, whichever run came first
    assert list(upkeep.damage(tmp_path / "cache")) == []
    assert not list((tmp_path / "cache" / "making").iterdir())
