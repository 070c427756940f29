"""Trunks of LPIPS are found, and told from all others by their tensors; loader and ``doctor`` say the same."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.metrics import trunks
from foresight_harness.parts.metrics.trunks import (
    TRUNK_FILES,
    examine_trunk,
    find_trunk,
    lpips_metric_name,
    tensors_sha256,
    trunk_identity,
    trunk_places,
    verified_trunk,
)
from foresight_harness.parts.weights.lpips_trunks import trunk_tensor_names
from foresight_harness.surface.command.doctor import _lpips_trunk
from safetensors.torch import save_file
from torch import Tensor

ALEX = TRUNK_FILES["alex"]


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No trunk anywhere."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path / "mirror"))


@pytest.fixture
def small_trunk(monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Ten small tensors that count as AlexNet's trunk in this test."""
    generator = torch.Generator().manual_seed(1)
    found = {name: torch.randn(3, 2, generator=generator) for name in trunk_tensor_names("alex")}
    monkeypatch.setattr(trunks, "TRUNK_TENSORS", {"alex": tensors_sha256("alex", found), "vgg": "0" * 64})
    return found


def place(folder: Path, content: bytes = b"weights", name: str = ALEX) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def fetched(tmp_path: Path, tensors: dict[str, Tensor]) -> Path:
    """Where ``weights fetch lpips_alex`` puts a trunk."""
    folder = tmp_path / "mirror" / "lpips_alex"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    return folder / "model.safetensors"


def test_metric_without_its_trunk_has_another_name() -> None:
    assert find_trunk() is None
    assert lpips_metric_name() == "lpips_random_trunk"


@pytest.mark.parametrize("folder", ["torch/hub/checkpoints", "mirror/torchvision"])
def test_trunk_is_found_in_both_folders(tmp_path: Path, folder: str) -> None:
    path = place(tmp_path / folder)
    assert find_trunk() == path
    assert find_trunk("vgg") is None
    assert lpips_metric_name() == "lpips"


def test_a_fetched_trunk_goes_first_then_our_folder(tmp_path: Path, small_trunk: dict[str, Tensor]) -> None:
    place(tmp_path / "torch/hub/checkpoints")
    in_mirror = place(tmp_path / "mirror/torchvision")
    assert find_trunk() == in_mirror
    assert find_trunk() != (path := fetched(tmp_path, small_trunk))
    assert find_trunk() == path


def test_vgg_alone_has_its_own_name(tmp_path: Path) -> None:
    place(tmp_path / "mirror/torchvision", name=TRUNK_FILES["vgg"])
    assert lpips_metric_name() == "lpips_vgg"


def test_without_a_folder_of_ours_the_users_cache_is_looked_into(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.delenv("FORESIGHT_WEIGHTS")
    cache = tmp_path / "cache"
    assert trunk_places("alex") == (
        cache / "foresight" / "weights" / "lpips_alex" / "model.safetensors",
        cache / "foresight" / "weights" / "torchvision" / ALEX,
        cache / "torch" / "hub" / "checkpoints" / ALEX,
    )


@pytest.mark.parametrize("form", ["safetensors", "trimmed pth", "whole pth"])
def test_the_same_tensors_are_the_trunk_in_whatever_file(
    form: str, tmp_path: Path, small_trunk: dict[str, Tensor]
) -> None:
    """W3 of the faults: a trimmed trunk was refused, and only torchvision's exact file was believed."""
    if form == "safetensors":
        path = fetched(tmp_path, small_trunk)
    else:
        path = place(tmp_path / "mirror/torchvision")
        more = {"classifier.6.bias": torch.zeros(1000)} if form == "whole pth" else {}
        torch.save({**small_trunk, **more}, path)
    assert verified_trunk("alex").state == "same tensors"
    assert trunk_identity("alex") == f"trunk sha256 {trunks.TRUNK_TENSORS['alex'][:16]}"
    assert (_lpips_trunk().state, str(path) in _lpips_trunk().found) == ("ok", True)


def test_a_published_file_is_known_by_its_own_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from foresight_harness import PublishedFile
    from foresight_harness.parts.weights.lpips_trunks import TORCHVISION_TRUNKS

    path = place(tmp_path / "mirror/torchvision")
    row = TORCHVISION_TRUNKS["alex"]
    entry = PublishedFile(ALEX, hashlib.sha256(b"weights").hexdigest(), 7)
    rows = {**TORCHVISION_TRUNKS, "alex": type(row)(row.name, "torchvision", "", (entry,), address=row.address)}
    monkeypatch.setattr(trunks, "TORCHVISION_TRUNKS", rows)
    assert examine_trunk(path, "alex").state == "published"
    path.write_bytes(b"weights, longer")
    assert examine_trunk(path, "alex").state == "wrong"


def _one_bit(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    changed = {name: tensor.clone() for name, tensor in tensors.items()}
    changed["features.10.bias"][2, 1] = torch.nextafter(changed["features.10.bias"][2, 1], torch.tensor(9.0))
    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_one_bit, "is another trunk: its tensors have sha256"),
        (lambda found: {name: tensor.T.contiguous() for name, tensor in found.items()}, "is another trunk"),
        (lambda found: {name: tensor.half() for name, tensor in found.items()}, "does not hold float32 tensors"),
        (lambda found: dict(list(found.items())[:-1]), r"is no state dict of torchvision's alex trunk: 'features\.10"),
    ],
    ids=["one bit", "shape", "precision", "one absent"],
)
def test_another_trunk_is_refused_and_doctor_says_the_same(
    change: object, said: str, tmp_path: Path, small_trunk: dict[str, Tensor]
) -> None:
    fetched(tmp_path, change(small_trunk))  # type: ignore[operator]
    with pytest.raises(CheckpointError, match=said) as caught:
        verified_trunk("alex")
    assert "\n" not in str(caught.value)
    finding = _lpips_trunk()
    assert (finding.state, finding.found) == ("broken", str(caught.value))
    assert lpips_metric_name() == "lpips"  # a run says so loudly, instead of scoring by the stand-in


def test_doctor_says_how_to_get_what_is_absent() -> None:
    finding = _lpips_trunk()
    assert (finding.state, finding.found) == ("note", "lpips_random_trunk")
    assert finding.advice == "foresight-bench weights fetch lpips_alex"


def test_name_is_known_without_torch() -> None:
    code = (
        "import sys; from foresight_harness.parts.metrics.trunks import lpips_metric_name; lpips_metric_name();"
        "from foresight_harness.parts.metrics.specs import metric_specs; metric_specs();"
        "sys.exit(bool({'torch', 'lpips', 'skimage', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
