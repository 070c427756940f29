"""What a probe finds is worked out once for every decoder and suite that asks, and for nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from foresight_harness.measuring.suites import probing
from foresight_harness.measuring.suites.spatial import measure
from foresight_harness.parts.probes.dense_ridge import DenseRidge

pytestmark = pytest.mark.usefixtures("few_pictures")

ORACLE = "oracle@mask/{}/single/{}"


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the primary probe was fitted."""
    seen: Counter[str] = Counter()
    fit = DenseRidge.fit

    def counted(self: DenseRidge, *arguments: Any) -> None:
        seen["fits"] += 1
        fit(self, *arguments)

    monkeypatch.setattr(DenseRidge, "fit", counted)
    return seen


@pytest.fixture
def two_decoders(builtins):  # type: ignore[no-untyped-def]
    """The harness's own offers, with its linear decoder under a second name."""
    linear = builtins.decoder("linear")
    return replace(builtins, decoders={**builtins.decoders, "linear_too": replace(linear, name="linear_too")})


def test_candidates_that_differ_in_the_decoder_share_one_factorisation(
    make_bench, two_decoders, make_cell, fits: Counter[str]
) -> None:
    bench = make_bench(two_decoders)
    first = measure(make_cell(bench, ORACLE.format("identity", "linear"), "spatial"))
    second = measure(make_cell(bench, ORACLE.format("identity", "linear_too"), "spatial"))
    assert fits["fits"] == 1
    alone = measure(make_cell(make_bench(two_decoders), ORACLE.format("identity", "linear_too"), "spatial"))
    assert fits["fits"] == 2
    for one, shared, other in zip(first.measurements, second.measurements, alone.measurements, strict=True):
        assert shared.metric == other.metric == one.metric
        if shared.values is not None:
            assert np.array_equal(shared.values, other.values, equal_nan=True)


@pytest.mark.parametrize(
    ("candidate", "seed", "choices"),
    [
        (ORACLE.format("bilinear_x4", "linear"), 0, {}),
        (ORACLE.format("identity", "linear"), 1, {}),
        (ORACLE.format("identity", "linear"), 0, {"lambdas": [1.0]}),
        ("constant@patch/identity/single/linear", 0, {}),
    ],
)
def test_another_grid_seed_or_choice_is_another_reading(
    make_bench, make_cell, candidate: str, seed: int, choices: dict[str, Any]
) -> None:
    bench = make_bench()
    known = probing.key_of(make_cell(bench, ORACLE.format("identity", "linear"), "spatial"), DenseRidge(), 0)

    class Chosen(DenseRidge):
        def choices(self) -> dict[str, object]:
            return {**super().choices(), **choices}

    assert probing.key_of(make_cell(bench, candidate, "spatial"), Chosen(), seed) != known
    assert probing.key_of(make_cell(bench, ORACLE.format("identity", "linear"), "audit"), DenseRidge(), 0) == known


def test_only_so_many_readings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MOST_READINGS", 2)
    kept = probing.KeptReadings()
    for key in "abc":
        kept.keep(key, probing.KeptReading([], None))
    assert [kept.get(key) is None for key in "abc"] == [True, False, False]
