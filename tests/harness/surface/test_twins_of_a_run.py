"""A run with trained weights: the twin is scored, recorded and concluded upon, from Python and where it is planned."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import foresight_harness
import pytest
import torch
from foresight_harness.planning.options import scale_of
from foresight_harness.planning.registry import Registry
from safetensors.torch import save_file

SIZES = replace(scale_of("smoke"), name="few", train=24, test=12, canvas_px=64)


@pytest.fixture
def own(builtins: Registry, tmp_path: Path) -> dict[str, Any]:
    """An encoder that loads a folder and computes raw pixels whatever it loads, and the call that scores it."""
    folder = tmp_path / "own"
    folder.mkdir()
    save_file({"weight": torch.arange(4.0)}, folder / "model.safetensors")
    offer = {"name": "own_base", "role": "candidate", "params": 4, "repo": "someone/own", "size": "published"}
    spec = replace(builtins.encoders["pixels"], weights=("random", "pretrained"), **offer)  # type: ignore[arg-type]
    registry = replace(
        builtins,
        encoders={**builtins.encoders, "own_base": spec},
        owners={**builtins.owners, ("encoder", "own_base"): builtins.owner("encoder", "pixels")},
    )
    return {
        "candidates": "own_base@patch",
        "suite": "spatial",
        "dataset": "shapes",
        "registry": registry,
        "sizes": SIZES,
        "weights_source": f"own_base={folder}",
        "admission": "off",  # it builds none of the parameters that it declares
        "out": str(tmp_path / "runs"),
        "feature_cache": str(tmp_path / "cache"),
    }


def test_a_twin_and_pixels_stand_beside_what_is_trained_and_training_that_does_nothing_gains_nothing(own: Any) -> None:
    run = foresight_harness.score(**own)
    roles = {record.candidate.partition("/")[0]: record.role for record in run.records}
    assert roles["own_base@patch"] == "candidate"
    assert roles["random:own_base@patch"] == "twin"
    assert roles["pixels@patch"] == "floor"
    twin = next(record for record in run.records if record.role == "twin")
    assert (twin.weights, twin.gateable, twin.is_candidate) == (("random",), False, False)
    found = json.loads((run.path / "analysis" / "twins.json").read_text())
    (row,) = found["rows"]
    assert (row["gain"]["value"], row["separated"], row["p"]) == (0, False, None)
    assert row["share_refused"] == "the score is not above its twin's"
    assert run.manifest["extraction"]["encoder_builds"]["random:own_base"] == 1


def test_without_twins_nothing_is_added_and_nothing_is_concluded_about_training(own: Any) -> None:
    run = foresight_harness.score(**own, no_twins=True)
    assert "twin" not in {record.role for record in run.records}
    assert not (run.path / "analysis" / "twins.json").exists()
    assert run.manifest["options"]["twins"] is False
