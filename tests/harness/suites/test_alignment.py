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
