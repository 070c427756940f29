"""``foresight-bench demo``: which encoder it shows, and that it ends with a table and a page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness.contracts.specs import PublishedFile, PublishedWeights
from foresight_harness.planning.registry import Registry
from foresight_harness.surface.command import demo, main

pytestmark = pytest.mark.usefixtures("few_pictures")


def with_encoders(builtins: Registry, **changes: dict) -> Registry:
    """Encoders that are only described: pixels under other names, as candidates."""
    pixels = builtins.encoder("pixels")
    made = {name: replace(pixels, name=name, role="candidate", **facts) for name, facts in changes.items()}
    return replace(builtins, encoders={**builtins.encoders, **made})


def test_the_smallest_encoder_whose_weights_are_here_is_shown(
    builtins: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def published(name: str) -> PublishedWeights:
        return PublishedWeights(name, "some/repository", "MIT", files=(PublishedFile("a.safetensors", "0" * 64, 1),))

    offered = with_encoders(
        builtins,
        big={"params": 9, "published": published("here_big")},
        small={"params": 5, "published": published("here_small")},
        absent={"params": 1, "published": published("absent")},
        dinov2_tiny={"size": "tiny"},
    )
    monkeypatch.setattr(demo, "is_published", lambda weights: weights.name.startswith("here"))
    assert demo.chosen(offered).candidates[0] == "small@patch"
    monkeypatch.setattr(demo, "is_published", lambda weights: False)
    shown = demo.chosen(offered)
    assert shown.candidates == ("dinov2_tiny@patch", "shuffled:dinov2_tiny@patch", "pixels@patch", "oracle@mask")
    assert "random weights" in shown.sentence


def test_without_an_encoder_the_controls_are_shown_with_what_to_install(
    builtins: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "load_registry", lambda: builtins)
    assert main(["demo"]) == 0
    said = capsys.readouterr().out
    assert "iou (dense_ridge) of spatial on kinds" in said
    assert "pip install foresight-dinov2" in said
    page = Path("runs/latest/report.html").resolve()
    assert f"report: {page.relative_to(tmp_path)}" in said
    assert page.stat().st_size > 10_000
    assert json.loads(Path("runs/latest/run.json").read_text())["status"] == "complete"
