from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from foresight_harness.judging.analyses import conclude
from foresight_harness.judging.analyses.similarity import compare
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.parts.metrics.cka import LinearCKA
from foresight_harness.running.run_folder.tokens import tokens_path

SAMPLES = [f"p{index // 4}" for index in range(80)]


def test_pairs_equal_the_streamed_estimator_with_its_interval() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 6))
    y = x[:, :3] + rng.normal(size=(80, 3))
    found = compare([x, y, 2 * x], SAMPLES)
    sums = LinearCKA(6, 3, folds=10)
    sums.update(torch.from_numpy(x).float(), torch.from_numpy(y).float(), torch.arange(80) // 4)
    expected = sums.estimate()
    pair = found[0, 1]
    assert (pair.value, pair.low, pair.high) == pytest.approx(
        (expected.value, expected.ci_low, expected.ci_high), abs=1e-5
    )
    assert found[0, 2].value == pytest.approx(1.0)
    assert found[0, 2].low > np.quantile(found[0, 2].null, 0.95)


def test_null_keeps_what_all_pictures_share_in_one_place() -> None:
    """Tokens that depend on their cell alone are equally alike whichever picture they are from."""
    place = np.tile(np.eye(4), (20, 1))
    noisy = place + 0.01 * np.random.default_rng(1).normal(size=place.shape)
    assert float(compare([place, noisy], SAMPLES)[0, 1].null.min()) > 0.99


@pytest.mark.usefixtures("few_pictures")
def test_run_concludes_and_a_changed_token_is_caught(make_bench, builtins, planned) -> None:
    bench = make_bench()
    names = ("pixels@patch/identity/single/linear", "shuffled@patch/identity/single/linear")
    cells = [planned(builtins, name, "alignment") for name in names]
    cells += [planned(builtins, "constant@patch/identity/single/linear", "alignment")]
    bench.plan(cells)
    for cell in cells:
        bench.run_cell(cell)
    bench.close("complete")
    path = bench.folder.path
    assert conclude(path).failures == {}
    found = json.loads((path / "analysis" / "similarity.json").read_text())
    values = {(row["a"], row["b"]): row["measured"]["value"] for row in found["rows"]}
    assert set(values) == {
        ("latents of linear", "pixels@patch"),
        ("latents of linear", "shuffled@patch"),
        ("pixels@patch", "shuffled@patch"),
    }
    assert values["latents of linear", "pixels@patch"] > 0.9
    assert values["latents of linear", "pixels@patch"] > values["latents of linear", "shuffled@patch"]
    assert verify(path).problems == []
    cell = bench.folder.records()[0]["cell"]
    kept = tokens_path(path, cell)
    kept.write_bytes(tokens_path(path, bench.folder.records()[3]["cell"]).read_bytes())
    assert f"tokens/{cell}.parquet was changed after {names[0]} was scored" in verify(path).problems
    kept.unlink()
    assert f"tokens/{cell}.parquet of {names[0]} was removed" in verify(path).problems
