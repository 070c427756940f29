from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.metrics.trunks import (
    TRUNK_FILES,
    find_trunk,
    lpips_metric_name,
    trunk_folders,
    verify_trunk,
)

ALEX = TRUNK_FILES["alex"]


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No trunk anywhere."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path / "mirror"))


def place(folder: Path, content: bytes = b"weights", name: str = ALEX) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def test_metric_without_its_trunk_has_another_name() -> None:
    assert find_trunk() is None
    assert lpips_metric_name() == "lpips_random_trunk"


@pytest.mark.parametrize("folder", ["torch/hub/checkpoints", "mirror/torchvision"])
def test_trunk_is_found_in_both_folders(tmp_path: Path, folder: str) -> None:
    path = place(tmp_path / folder)
    assert find_trunk() == path
    assert find_trunk("vgg") is None
    assert lpips_metric_name() == "lpips"


def test_mirror_goes_first(tmp_path: Path) -> None:
    place(tmp_path / "torch/hub/checkpoints")
    in_mirror = place(tmp_path / "mirror/torchvision")
    assert find_trunk() == in_mirror


def test_cache_folder_is_torch_s_own_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.delenv("FORESIGHT_WEIGHTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert trunk_folders() == (tmp_path / "torch" / "hub" / "checkpoints",)


def test_content_is_held_to_the_hash_in_the_name(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    verify_trunk(place(tmp_path, name=f"alexnet-owt-{digest[:8]}.pth"))
    damaged = place(tmp_path)
    with pytest.raises(CheckpointError, match=rf"has sha256 {digest[:8]}\.\.\., its name says 7be5be79") as caught:
        verify_trunk(damaged)
    assert "\n" not in str(caught.value)


def test_name_is_known_without_torch() -> None:
    code = (
        "import sys; from foresight_harness.parts.metrics.trunks import lpips_metric_name; lpips_metric_name();"
        "from foresight_harness.parts.metrics.specs import metric_specs; metric_specs();"
        "sys.exit(bool({'torch', 'lpips', 'skimage', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
