from __future__ import annotations

import json

import pytest
from foresight_harness.judging.analyses import conclude
from foresight_harness.judging.analyses.verifying import verify


@pytest.mark.usefixtures("few_pictures")
@pytest.mark.slow
def test_maps_of_a_run_hold_points_with_class_and_place_beside_the_silhouettes(make_bench, builtins, planned) -> None:
    bench = make_bench()
    cells = [
        planned(builtins, f"{name}/identity/single/linear", "structure") for name in ("pixels@patch", "oracle@mask")
    ]
    bench.plan(cells)
    for cell in cells:
        bench.run_cell(cell)
    bench.close("complete")
    path = bench.folder.path
    assert conclude(path).failures == {}
    found = json.loads((path / "analysis" / "embeddings.json").read_text())
    by_method = {(row["candidate"].split("@")[0], row["method"]): row for row in found["rows"]}
    assert {("pixels", "pca"), ("pixels", "tsne")} <= set(by_method)
    assert not any(name == "oracle" for name, _ in by_method)  # a mask has one direction: nothing to map
    recorded = {r["metric"]: r["value"] for r in bench.folder.records() if r["candidate"].startswith("pixels")}
    row = by_method["pixels", "tsne"]
    assert row["silhouette_position"]["value"] == recorded["silhouette_position"]
    assert row["silhouette_frame"] is None
    points = next(one for one in found["maps"] if one["method"] == "tsne")["points"]
    assert {len(point) for point in points} == {6}
    classes = {point[2] for point in points}
    assert "background" in classes
    assert len(classes) > 1
    assert verify(path).problems == []
