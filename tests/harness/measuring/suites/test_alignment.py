from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("few_pictures")


def cka(bench, cell):
    return next(entry for entry in bench.run_cell(cell).measurements if entry.metric == "cka")


def test_pixels_align_with_pixel_latents_and_shuffled_ones_do_not(make_bench, builtins, planned) -> None:
    bench = make_bench()
    straight = cka(bench, planned(builtins, "pixels@patch/identity/single/linear", "alignment"))
    shuffled = cka(bench, planned(builtins, "shuffled@patch/identity/single/linear", "alignment"))
    assert straight.value > 0.9
    assert straight.value > straight.null["p95"]
    assert shuffled.value < straight.value - 0.2
    assert straight.null["permutations"] == 5
    assert straight.n == 16 * 16


def test_features_without_spread_have_no_alignment_rather_than_a_number(make_bench, builtins, planned) -> None:
    bench = make_bench()
    cell = planned(builtins, "constant@patch/identity/single/linear", "alignment")
    bench.plan([cell])
    bench.run_cell(cell)
    record = next(line for line in bench.folder.records() if line["metric"] == "cka")
    assert record["value"] is None
    assert record["null"] is None


def test_each_measure_has_its_null_its_rows_and_its_estimator(make_bench, builtins, planned) -> None:
    bench = make_bench()
    found = bench.run_cell(planned(builtins, "pixels@patch/identity/single/linear", "alignment")).measurements
    assert [entry.metric for entry in found] == ["cka", "rbf_cka", "mutual_knn"]
    for entry in found:
        assert entry.null["permutations"] == 5
        assert entry.details["estimator"]
    rbf = found[1]
    assert rbf.n == 16 * 4
    assert "median distance" in rbf.details["estimator"]
    assert rbf.value > rbf.null["p95"]
    assert rbf.interval[0] < rbf.value <= rbf.interval[1]
