from __future__ import annotations

import time

import numpy as np
import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.measuring.suites.efficiency import built_for, median_interval
from foresight_harness.measuring.suites.memory import PeakMemory
from foresight_harness.parts.controls.encoders import Pixels

pytestmark = pytest.mark.usefixtures("few_pictures")


def timer(work, rounds: int) -> list[float]:
    work()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def test_latency_comes_with_stages_quantiles_and_parameters(make_keeper, builtins, planned) -> None:
    keeper = make_keeper()
    cell = planned(builtins, "pixels@patch/bilinear/single/conv", "efficiency")
    keeper.plan([cell])
    found = {entry.metric: entry for entry in keeper.run_cell(cell, timer).measurements}
    assert 0 < found["latency_p50_ms"].value <= found["latency_p90_ms"].value <= found["latency_p99_ms"].value
    assert list(found["latency_p50_ms"].details["stages_ms"]) == ["encode", "enhance", "fuse", "adapt", "decode"]
    assert found["latency_p50_ms"].n == 20
    assert found["throughput_per_s"].value > 0
    assert found["params"].value > 0
    assert keeper.workshop.pool.needed["pixels"] == 0


def test_memory_counts_what_was_built_and_parameters_the_whole_model(
    make_keeper, builtins, planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D16 of the faults: a vision tap of a 7B model was counted with a language model that was never loaded."""
    facts = {**Pixels(14, 224).facts(), "params": 10**9, "params_built": 10**6}
    monkeypatch.setattr(Pixels, "facts", lambda encoder: facts)
    cell = planned(builtins, "pixels@patch/identity/single/linear", "efficiency")
    found = {entry.metric: entry.value for entry in make_keeper().run_cell(cell, timer).measurements}
    assert found["params"] >= 10**9
    assert 4 * 10**6 / 2**20 <= found["peak_mib"] < 4 * 10**9 / 2**20


def test_a_tap_is_charged_for_itself_and_not_for_what_an_earlier_cell_read(
    make_keeper, builtins, planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One encoder serves all cells of its run: after a deep tap was read it holds more than a shallow one needs."""
    facts = {**Pixels(14, 224).facts(), "params": 10**9, "params_built": 10**8, "params_by_tap": {"patch": 10**6}}
    monkeypatch.setattr(Pixels, "facts", lambda encoder: facts)
    cell = planned(builtins, "pixels@patch/identity/single/linear", "efficiency")
    found = {entry.metric: entry for entry in make_keeper().run_cell(cell, timer).measurements}
    adapter = found["resident_mib"].details["built"]["adapter"]
    assert found["params_built"].value == 10**6 + adapter
    assert found["resident_mib"].value == pytest.approx(4 * (10**6 + adapter) / 2**20)
    assert found["peak_mib"].value >= found["resident_mib"].value
    assert built_for({"params": 7, "params_built": 5, "params_by_tap": {"patch": 3}}, ["last"]) == 5


def test_untimed_efficiency_says_how_to_time(make_keeper, builtins, planned) -> None:
    with pytest.raises(UsageError, match="--benchmark-disable"):
        make_keeper().run_cell(planned(builtins, "pixels@patch/identity/single/linear", "efficiency"))


def test_interval_of_the_median_holds_it_at_the_stated_rate() -> None:
    random = np.random.default_rng(0)
    held = [low <= 0 <= high for low, high in (median_interval(random.normal(size=20)) for _ in range(400))]
    assert 0.93 <= np.mean(held) <= 0.995


def test_peak_memory_sees_an_allocation() -> None:
    with PeakMemory("cpu") as memory:
        block = np.ones(30 * 2**20, dtype=np.uint8)
    assert block.all()
    assert 25 <= memory.rise_mib <= 60
