from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from foresight_harness.parts.metrics import specs
from foresight_harness.parts.metrics.specs import metric_specs
from torch import Tensor


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("FORESIGHT_WEIGHTS", raising=False)
    return tmp_path


def test_names_are_those_of_the_run_folder() -> None:
    names = [spec.name for spec in metric_specs()]
    assert names == [
        "iou",
        "centre_error",
        "size_error",
        "lpips_random_trunk",
        "psnr",
        "ssim",
        "edge_f1",
        "decoded_iou",
    ]


def test_random_trunk_alone_meets_no_gate() -> None:
    assert [spec.name for spec in metric_specs() if not spec.gateable] == ["lpips_random_trunk"]


def test_lpips_is_offered_and_gateable_where_its_trunk_lies(empty_machine: Path) -> None:
    folder = empty_machine / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "alexnet-owt-7be5be79.pth").write_bytes(hashlib.sha256().digest())
    spec = next(spec for spec in metric_specs() if spec.name.startswith("lpips"))
    assert (spec.name, spec.gateable, spec.build) == ("lpips", True, specs._lpips)


def test_box_metrics_keep_range_and_direction(generator: torch.Generator) -> None:
    corners = torch.rand(20, 2, 2, generator=generator).sort(dim=1).values.reshape(20, 4)
    true, wrong = [corners[:3], corners[3:5]], [corners[5:8], corners[9:10]]
    for spec in (spec for spec in metric_specs() if spec.compares == "boxes"):
        metric = spec.build()
        best, worse = metric(true, true), metric(wrong, true)
        assert best.dtype == torch.float64
        low, high = spec.range
        assert low is not None
        assert high is not None
        assert low <= float(worse.min()) <= float(worse.max()) <= high
        assert bool(((best - worse) * (1 if spec.direction == "higher" else -1) > 0).all())


def test_picture_metrics_keep_range_and_direction(clips: Tensor, noisy: Tensor) -> None:
    for spec in (spec for spec in metric_specs() if spec.compares == "pictures"):
        metric = spec.build()
        best, worse = metric(clips, clips), metric(noisy, clips)
        assert (best.dtype, best.shape) == (torch.float64, (3,))
        low, high = spec.range
        assert low is not None
        assert low <= float(worse.min())
        assert high is None or float(best.max()) <= high
        assert bool(((best - worse) * (1 if spec.direction == "higher" else -1) > 0).all())
