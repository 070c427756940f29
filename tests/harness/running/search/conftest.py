"""Two encoders of one line each and an enhancer that learns, offered by a plugin like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import EncoderSpec, TapSpec, hookimpl
from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.specs import EnhancerSpec, GridShape
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import PluginInfo, Registry, own_plugins, registry_from
from foresight_harness.planning.search.rungs import Keep, Rung, SearchTable
from foresight_harness.running.search.driver import Driver
from foresight_harness.running.search.kept import write_kept
from foresight_harness.running.search.setting_up import Hunt, set_up
from torch import Tensor, nn

TAIL = "single/linear"
CANDIDATES = tuple(
    f"{encoder}_tiny@patch/{enhancer}/{TAIL}"
    for encoder in ("seeing", "blind")
    for enhancer in ("identity", "residual")
)
RUNGS = (
    Rung("steps", Keep(count=3), steps=8),
    Rung("steps", Keep(count=2), steps=16),
    Rung("race"),
)


class Encoder:
    """Raw 16 px patches; a blind one sees the mean colour of the picture everywhere."""

    def __init__(self, blind: bool) -> None:
        self.blind = blind

    def encode(self, clips: Tensor, taps: Any) -> dict[str, TokenGrid]:
        """[B, T, 3, H_px, W_px] -> patches as channels."""
        patches = torch.nn.functional.pixel_unshuffle(clips.flatten(0, 1), 16).permute(0, 2, 3, 1)
        if self.blind:
            patches = patches.mean(dim=(1, 2), keepdim=True).expand_as(patches)
        return dict.fromkeys(taps, TokenGrid(patches.contiguous().unflatten(0, clips.shape[:2])))

    def facts(self) -> dict[str, Any]:
        return {"params": 0}


class Residual(nn.Module):
    """A per-token correction."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.correct = nn.Linear(width, width)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> the same shape."""
        corrected: Tensor = grid + 0.02 * self.correct(grid)  # small steps, so that short fits make progress
        return corrected


class Plugin:
    """Offers both."""

    @hookimpl
    def foresight_encoders(self) -> list[EncoderSpec]:
        taps = (TapSpec("patch", 768, 16),)
        return [
            EncoderSpec(
                f"{name}_tiny", lambda request, blind=blind: Encoder(blind), taps, "patch", 128, params=0, size="tiny"
            )
            for name, blind in (("seeing", False), ("blind", True))
        ]

    @hookimpl
    def foresight_enhancers(self) -> list[EnhancerSpec]:
        def build(shape: GridShape) -> nn.Module:
            return Residual(shape.width)

        return [EnhancerSpec("residual", build=build, output_shape=lambda shape: shape, trainable=True)]  # type: ignore[arg-type]


@pytest.fixture
def seeing() -> Registry:
    """The harness's own offers and the plugin's."""
    info = PluginInfo("seeing", "foresight-seeing", "1.0", "d" * 16, module="foresight_seeing")
    return registry_from([*own_plugins(), (info, Plugin())])


@dataclass
class Hunting:
    """A search in a folder: the driver and what it said."""

    home: Path
    hunt: Hunt
    driver: Driver
    lines: list[str]


@pytest.fixture
def cells(seeing: Registry) -> list[PlannedCell]:
    """Two streams by two enhancers in suite ``spatial``."""
    suite, choice = seeing.suite("spatial"), DatasetChoice("shapes")
    return [PlannedCell(resolve(parse_candidate(name), seeing), suite, choice) for name in CANDIDATES]


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    """Of the run that a search leads to."""
    shared = {"datasets": (DatasetChoice("shapes"),), "out": tmp_path / "runs", "cache": tmp_path / "cache"}
    return RunOptions(**shared, search=True, steps=24, admission="off", spot_check=False)  # type: ignore[arg-type]


@pytest.fixture
def hunting(tmp_path: Path, seeing: Registry, cells: list[PlannedCell], options: RunOptions) -> Callable[..., Hunting]:
    """Set a search up; keyword arguments change its rungs, options and what is called between cells."""

    def make(
        rungs: Sequence[Rung] = RUNGS, check: Callable[[], None] = lambda: None, purse: Any = None, **changes: Any
    ) -> Hunting:
        wanted, lines = replace(options, **changes), list[str]()
        hunt = set_up(SearchTable(rungs=tuple(rungs)), cells, seeing, wanted)
        home = tmp_path / "runs" / "found"
        home.mkdir(parents=True, exist_ok=True)
        write_kept(home, hunt.kept)
        progress = Progress(write=lines.append)
        driver = Driver(home, hunt, seeing, wanted, progress, "foresight-bench search", purse=purse, check=check)
        return Hunting(home, hunt, driver, lines)

    return make
