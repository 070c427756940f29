"""What the table says of files on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from foresight_harness import PublishedFile, PublishedWeights
from foresight_harness.parts.weights.lpips_trunks import LPIPS_TRUNKS, TORCHVISION_TRUNKS, trunk_tensor_names
from foresight_harness.parts.weights.present_files import is_published, standing_of

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def _hub(sha256: str = SHA256) -> PublishedWeights:
    return PublishedWeights("some", "someone/some", "MIT", (PublishedFile("model.safetensors", sha256, len(CONTENT)),))


def _write(path: Path, content: bytes = CONTENT) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_an_absent_file_is_absent(folder: Path) -> None:
    assert [found.state for found in standing_of(_hub())] == ["absent"]
    assert not is_published(_hub())


def test_a_file_of_a_mirror_is_held_to_its_hash(folder: Path) -> None:
    path = folder / "someone" / "some" / "model.safetensors"
    _write(path)
    assert [(found.state, found.path) for found in standing_of(_hub())] == [("published", path)]
    _write(path, b"another")
    assert [found.state for found in standing_of(_hub())] == ["wrong"]


def test_an_unknown_hash_is_never_invented(folder: Path) -> None:
    _write(folder / "someone" / "some" / "model.safetensors")
    (found,) = standing_of(_hub(sha256=""))
    assert (found.state, found.sha256) == ("unknown", SHA256)
    assert not is_published(_hub(sha256=""))
    assert not _hub(sha256="").knows("model.safetensors", SHA256)


def test_a_library_vouches_by_the_digits_in_its_files_names(folder: Path) -> None:
    weights = PublishedWeights(
        "torchvision:x", "torchvision", "", (PublishedFile(f"x-{SHA256[:8]}.pth"),), address=lambda: "nowhere"
    )
    assert weights.expected(weights.files[0]) == SHA256[:8]
    _write(folder / "torch" / "hub" / "checkpoints" / f"x-{SHA256[:8]}.pth")
    assert is_published(weights)
    _write(folder / "torchvision" / f"x-{SHA256[:8]}.pth", b"another")
    assert [found.state for found in standing_of(weights)] == ["wrong"]


def test_digits_in_a_name_vouch_for_nothing_elsewhere() -> None:
    weights = PublishedWeights("x", "someone/x", "", (PublishedFile(f"x-{SHA256[:8]}.pth"),))
    assert weights.expected(weights.files[0]) == ""


def test_the_trunks_rows_are_whole_and_agree_with_torchvisions_names() -> None:
    for trunk in ("alex", "vgg"):
        entry = TORCHVISION_TRUNKS[trunk].files[0]
        assert entry.sha256.startswith(entry.file.rpartition("-")[2].removesuffix(".pth"))
        assert len(entry.sha256) == len(LPIPS_TRUNKS[trunk].files[0].sha256) == 64
    assert len(trunk_tensor_names("alex")) == 10
    assert len(trunk_tensor_names("vgg")) == 26


def test_torchvision_knows_the_addresses_of_its_files() -> None:
    for weights in TORCHVISION_TRUNKS.values():
        assert weights.address is not None
        assert weights.address().endswith(f"/{weights.files[0].file}")
