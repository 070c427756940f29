"""In a run, odd sides and a folder of another family cost the cells that need them, in one line, and no others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.progress import silent
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, WeightsSource, scale
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import load_registry
from foresight_harness.planning.suites import suite
from foresight_harness.running.bench import Bench


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Records of ``constant`` through ``ltx_video_tiny`` and then through ``linear``; keyword arguments are options."""
    few = replace(scale.SCALES["smoke"], train=6, test=4, pictures=2, resamples=50)
    monkeypatch.setitem(scale.SCALES, "smoke", few)

    def score(decoder: str, **options: Any) -> list[dict[str, Any]]:
        registry, data = load_registry(), DatasetChoice("shapes")
        chosen = RunOptions(datasets=(data,), out=tmp_path / "runs", cache=tmp_path / "cache", **options)
        bench = Bench(registry, chosen, silent(), "pytest benchmarks/")
        names = [f"constant@patch/identity/single/{name}" for name in (decoder, "linear")]
        cells = [PlannedCell(resolve(parse_candidate(n), registry), suite("reconstruction"), data) for n in names]
        bench.plan(cells)
        with pytest.raises(ForesightError):
            bench.run_cell(cells[0])
        bench.run_cell(cells[1])
        return list(bench.folder.records())

    return score


def test_odd_sides_fail_the_cells_of_the_decoder_alone_and_name_the_nearest(
    records: Callable[..., list[dict[str, Any]]],
) -> None:
    failed, *scored = records("ltx_video_tiny", picture_px=104)
    assert failed["status"] == "failed"
    assert failed["error"].startswith("104x104 px: LTX-Video takes sides that are multiples of 32; nearest are 96 or")
    assert "\n" not in failed["error"]
    assert {record["status"] for record in scored} == {"ok"}


def test_a_folder_of_another_family_fails_the_cells_that_read_it_alone(
    records: Callable[..., list[dict[str, Any]]], checkpoint: Path
) -> None:
    config = checkpoint / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"_class_name": "AutoencoderKLLTX2Video"}))
    source = WeightsSource("ltx_video", str(checkpoint))
    failed, *scored = records("ltx_video", weights_sources=(source,))
    assert failed["value"] is None
    assert "AutoencoderKLLTX2Video" in failed["error"]
    assert "\n" not in failed["error"]
    assert {record["status"] for record in scored} == {"ok"}
