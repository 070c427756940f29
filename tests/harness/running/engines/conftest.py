"""Runs on engines with a plugin whose encoders go wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import torch
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.running.bench import Bench
from foresight_harness.running.engines.engines import CellFailed, Engine, engine_for

HERE = Path(__file__).parent


@pytest.fixture
def faulty(plugin_module, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """Everything installed, and the faulty encoders; workers see them too."""
    folder = plugin_module("faulty", (HERE / "faulty_plugin.py").read_text(encoding="utf-8"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("FORESIGHT_FAULTY_MARK", str(tmp_path / "died"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return load_registry()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """This process adds up as the workers do: threads change the order of sums, and so their last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


Finished = tuple[Bench, dict[str, str]]


@pytest.fixture
def carried_out(make_bench, planned) -> Callable[..., Finished]:
    """Scores encoders in one suite on an engine: the bench, and by encoder ``ok`` or the error."""

    def run(registry: Registry, encoders: Iterable[str], suite: str = "alignment", **options: object) -> Finished:
        bench = make_bench(registry, **options)
        cells = [planned(registry, f"{name}@pooled/identity/single/linear", suite) for name in encoders]
        bench.plan(cells)
        engine: Engine = engine_for(bench, cells)
        said = {}
        try:
            for cell in cells:
                name = cell.candidate.candidate.encoders[0]
                try:
                    engine.score(cell, None)
                    said[name] = "ok"
                except (CellFailed, ValueError) as error:
                    said[name] = str(error)
        finally:
            engine.close()
        bench.close("complete")
        return bench, said

    return run
