"""Plugins that go wrong inside a run: one record each, which names plugin and hook, and the next cell is scored."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from foresight_harness import EncoderSpec, TapSpec, hookimpl
from foresight_harness.contracts.errors import PluginFailure
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.planning.registry import PluginInfo, Registry, own_plugins, registry_from

pytestmark = pytest.mark.usefixtures("few_pictures")

CANDIDATE = "odd_tiny@patch/identity/single/linear"
PIXELS = "pixels@patch/identity/single/linear"


def leave() -> None:
    raise SystemExit(3)


def interrupt() -> None:
    raise KeyboardInterrupt


def stumble() -> None:
    raise ValueError("boom")


def nothing() -> None:
    return


class Encoder:
    """Mean colour of 16 px patches, after a deed."""

    def __init__(self, deed: Callable[[], object]) -> None:
        self.deed = deed

    def encode(self, clips: torch.Tensor, taps: Any) -> dict[str, TokenGrid]:
        self.deed()
        grid = torch.nn.functional.avg_pool2d(clips.flatten(0, 1), 16).permute(0, 2, 3, 1)
        return dict.fromkeys(taps, TokenGrid(grid.unflatten(0, clips.shape[:2])))

    def facts(self) -> dict[str, Any]:
        return {"params": 0}


def registry_with(build: Callable[[], object] = nothing, encode: Callable[[], object] = nothing) -> Registry:
    def make(request: object) -> Encoder:
        build()
        return Encoder(encode)

    taps = (TapSpec("patch", 3, 16),)
    spec = EncoderSpec("odd_tiny", make, taps, "patch", 128, params=0, size="tiny")

    class Plugin:
        @hookimpl
        def foresight_encoders(self) -> list[EncoderSpec]:
            return [spec]

    info = PluginInfo("odd", "foresight-odd", "1.0", "d" * 16, module="foresight_odd")
    return registry_from([*own_plugins(), (info, Plugin())])


@pytest.mark.parametrize(
    ("where", "deed", "said"),
    [
        ("build", leave, "plugin 'odd', build of encoder 'odd_tiny' raised SystemExit: 3"),
        ("encode", leave, "plugin 'odd', encode of encoder 'odd_tiny' raised SystemExit: 3"),
        ("encode", interrupt, "plugin 'odd', encode of encoder 'odd_tiny' raised KeyboardInterrupt"),
        ("encode", stumble, "plugin 'odd', encode of encoder 'odd_tiny': ValueError: boom"),
        ("build", lambda: torch.set_default_dtype(torch.float64), "odd_tiny' changed the default dtype"),
        ("encode", lambda: torch.set_grad_enabled(False), None),
        ("encode", lambda: os.environ.update(FORESIGHT_X="1"), "encode of encoder 'odd_tiny' changed the environment"),
    ],
)
def test_one_record_names_plugin_and_hook_and_nothing_of_it_is_kept(
    make_keeper, planned, where: str, deed: Callable[[], object], said: str | None
) -> None:
    registry = registry_with(**{where: deed})
    keeper = make_keeper(registry)
    keeper.plan([planned(registry, CANDIDATE, "alignment"), planned(registry, PIXELS, "alignment")])
    if said is None:  # undone by the context that the harness calls it in: nothing leaks, so nothing is wrong
        keeper.run_cell(keeper.planned[0])
        return
    with pytest.raises((PluginFailure, ValueError)):
        keeper.run_cell(keeper.planned[0])
    keeper.run_cell(keeper.planned[1])
    failed = [record for record in keeper.folder.records() if record.status == "failed"]
    assert len(failed) == 1
    assert said in str(failed[0].error)
    assert "\n" not in str(failed[0].error)
    features = [path for path in keeper.options.cache.glob("??/*/index.json") if "odd_tiny" in path.read_text()]
    assert features == []
    assert torch.get_default_dtype() == torch.float32


def test_a_suite_that_exits_is_a_failed_cell(make_keeper, planned, builtins) -> None:
    suite = replace(builtins.suite("spatial"), score=lambda cell: leave())
    registry = replace(builtins, suites={**builtins.suites, "spatial": suite})
    keeper = make_keeper(registry)
    keeper.plan([planned(registry, PIXELS, "spatial")])
    with pytest.raises(PluginFailure, match="SystemExit: 3"):
        keeper.run_cell(keeper.planned[0])
    assert [record.status for record in keeper.folder.records()] == ["failed"]


def test_another_encoder_scores_the_same_beside_a_plugin_that_changes_the_default_dtype(make_keeper, planned) -> None:
    values = []
    for deed in (nothing, lambda: torch.set_default_dtype(torch.float64)):
        registry = registry_with(build=deed)
        keeper = make_keeper(registry)
        keeper.plan([planned(registry, CANDIDATE, "spatial"), planned(registry, PIXELS, "spatial")])
        for cell in keeper.planned:
            try:
                keeper.run_cell(cell)
            except PluginFailure:
                continue
        records = [record for record in keeper.folder.records() if record.candidate.startswith("pixels")]
        values.append({(record.metric, record.probe): record.value for record in records})
    assert values[0] == values[1]


def test_a_fault_of_a_data_set_names_its_plugin(make_keeper, planned, builtins) -> None:
    from foresight_harness.planning.plugin_calls import guarded

    real = builtins.dataset("shapes")

    class Leaving:
        def __init__(self, inner: Any) -> None:
            self.name, self.split, self.fingerprint, self._inner = inner.name, inner.split, inner.fingerprint, inner

        def __len__(self) -> int:
            return len(self._inner)

        def __getitem__(self, index: int) -> object:
            return leave() if index == 3 else self._inner[index]

    spec = guarded(replace(real, build=lambda request: Leaving(real.build(request))), "dataset", "odd")
    registry = replace(builtins, datasets={**builtins.datasets, "shapes": spec})
    keeper = make_keeper(registry)
    keeper.plan([planned(registry, PIXELS, "spatial")])
    with pytest.raises(PluginFailure):
        keeper.run_cell(keeper.planned[0])
    (record,) = keeper.folder.records()
    assert record.error == "plugin 'odd', __getitem__ of dataset 'shapes' raised SystemExit: 3"
