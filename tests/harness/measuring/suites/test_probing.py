"""What a probe finds is worked out once for every decoder and suite that asks, and for nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from foresight_harness.measuring.suites import probing
from foresight_harness.measuring.suites.spatial import measure
from foresight_harness.measuring.workshop import kept_readings
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
    make_keeper, two_decoders, make_cell, fits: Counter[str]
) -> None:
    keeper = make_keeper(two_decoders)
    first = measure(make_cell(keeper, ORACLE.format("identity", "linear"), "spatial"))
    second = measure(make_cell(keeper, ORACLE.format("identity", "linear_too"), "spatial"))
    assert fits["fits"] == 1
    alone = measure(make_cell(make_keeper(two_decoders), ORACLE.format("identity", "linear_too"), "spatial"))
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
    make_keeper, make_cell, candidate: str, seed: int, choices: dict[str, Any]
) -> None:
    keeper = make_keeper()
    known = probing.key_of(make_cell(keeper, ORACLE.format("identity", "linear"), "spatial"), DenseRidge(), 0)

    class Chosen(DenseRidge):
        def choices(self) -> dict[str, object]:
            return {**super().choices(), **choices}

    assert probing.key_of(make_cell(keeper, candidate, "spatial"), Chosen(), seed) != known
    assert probing.key_of(make_cell(keeper, ORACLE.format("identity", "linear"), "audit"), DenseRidge(), 0) == known


def test_only_so_many_readings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_readings, "MOST_READINGS", 2)
    kept = kept_readings.KeptReadings()
    for key in "abc":
        kept.keep(key, kept_readings.KeptReading([], None))
    assert [kept.get(key) is None for key in "abc"] == [True, False, False]


def test_statistics_of_average_precision_say_what_was_found_of_each_object(make_keeper, builtins, make_cell) -> None:
    found = measure(make_cell(make_keeper(), ORACLE.format("identity", "linear"), "spatial"))
    by_metric = {entry.metric: entry for entry in found.measurements}
    stats, iou = by_metric["map50"].stats[0], by_metric["iou"].values[0]
    for picture, whole in zip(stats, iou, strict=True):
        assert np.mean([each["iou"] for each in picture["each"]]) == pytest.approx(whole)
    classes = {each["class"] for picture in stats for each in picture["each"]}
    assert len(classes) > 1
    assert set(by_metric["map50"].details["by_class"]) == classes
    assert all(0 <= value <= 1 for value in by_metric["map50"].details["by_class"].values())
    assert "each" not in by_metric["map75"].stats[0][0]
