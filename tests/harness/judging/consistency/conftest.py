"""A sealed run with a gate, samples, tokens, pictures, conclusions, a page, and a cell that failed."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness.contracts.progress import silent
from foresight_harness.judging.analyses import conclude
from foresight_harness.judging.gates.gate_files import find_gates, keep_gates
from foresight_harness.measuring.suites import structure
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import Registry
from foresight_harness.running.keeper import RunKeeper

sys.path.insert(0, str(Path(__file__).parent))
FEW = {"train": 24, "test": 16, "pictures": 2, "steps": 8, "batch": 8, "permutations": 5, "resamples": 200}
GATE = """
schema = 1
title = "Places are kept"
document = "test"
section = "1"
[[rule]]
id = "iou"
quote = "IoU > 0.2"
line = 1
suite = "spatial"
metric = "iou"
probe = "dense_ridge"
unit = "ratio"
direction = "higher"
bound = 0.2
"""


@pytest.fixture(scope="session")
def sealed_once(tmp_path_factory: pytest.TempPathFactory, builtins: Registry) -> Path:
    place = tmp_path_factory.mktemp("sealed")
    (place / "places.toml").write_text(GATE)
    data = DatasetChoice("shapes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], **FEW))
        options = RunOptions(datasets=(data,), out=place / "runs", cache=place / "cache")
        keeper = RunKeeper(builtins, options, silent(), "pytest benchmarks/")
        candidate = resolve(parse_candidate("pixels@patch/identity/single/linear"), builtins)
        gates = find_gates([str(place / "places.toml")], [], builtins)
        keeper.describe(gates=keep_gates(keeper.folder.path, gates))
        suites = ("spatial", "alignment", "structure")
        keeper.plan(PlannedCell(candidate, builtins.suite(name), data) for name in suites)

        def broken(cell: object) -> None:
            raise ValueError("broken")

        patch.setattr(structure, "score", broken)
        for cell in keeper.planned[:2]:
            keeper.run_cell(cell)
        with pytest.raises(ValueError, match="broken"):
            keeper.run_cell(keeper.planned[2])
        assert keeper.close("complete") == "complete"
    assert conclude(keeper.folder.path).failures == {}
    keeper.seal()
    (keeper.folder.path / "report.html").write_text("a page")
    return keeper.folder.path


@pytest.fixture
def sealed(sealed_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(sealed_once, tmp_path / "copied" / sealed_once.name))
