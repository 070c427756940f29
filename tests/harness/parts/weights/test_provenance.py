from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError
from foresight_harness.weights import Provenance, provenance_of
from safetensors.torch import save_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORESIGHT_WEIGHTS", raising=False)


def _folder(place: Path) -> Path:
    place.mkdir(parents=True)
    save_file({"weight": torch.arange(4.0)}, place / "model.safetensors")
    (place / "config.json").write_text(json.dumps({"model_type": "some"}))
    return place


def _of(source: Path | str | None, repo: str | None = None) -> Provenance:
    request = BuildRequest(weights="pretrained", source=None if source is None else str(source))
    return provenance_of("some_base", {"width": 4}, request, repo=repo)


def test_one_file_is_recorded_with_the_sha256_that_sha256sum_prints(tmp_path: Path) -> None:
    file = _folder(tmp_path / "some") / "model.safetensors"
    found = _of(file)
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (found.kind, found.repo, found.revision, found.seed) == ("pretrained", str(file), None, None)


def test_a_changed_file_is_another_origin(tmp_path: Path) -> None:
    file = _folder(tmp_path / "some") / "model.safetensors"
    before = _of(file)
    save_file({"weight": torch.arange(5.0)}, file)
    assert _of(file).sha256 != before.sha256


def test_a_folder_is_recorded_by_its_weights_and_its_configuration(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "some")
    before = _of(folder)
    assert _of(_folder(tmp_path / "elsewhere")).sha256 == before.sha256
    (folder / "config.json").write_text(json.dumps({"model_type": "other"}))
    assert _of(folder).sha256 != before.sha256
    assert before.revision is None


def _hub(monkeypatch: pytest.MonkeyPatch, snapshot: Path) -> list[tuple[str, str | None]]:
    """The Hub's client with its answer: the cache layout that it documents."""
    asked: list[tuple[str, str | None]] = []

    def download(repo: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((repo, revision))
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return asked


def test_the_commit_that_the_hub_gave_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _hub(monkeypatch, _folder(tmp_path / "models--someone--some" / "snapshots" / COMMIT))
    found = _of(None, repo="someone/some")
    assert (found.repo, found.revision) == ("someone/some", COMMIT)
    assert asked == [("someone/some", None)]


def test_a_revision_can_be_pinned_behind_the_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _hub(monkeypatch, _folder(tmp_path / "snapshots" / COMMIT))
    assert _of("someone/other@v1.0").repo == "someone/other"
    assert asked == [("someone/other", "v1.0")]


def test_a_mirror_cannot_answer_for_a_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _folder(tmp_path / "someone" / "some")
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    assert _of("someone/some").revision is None
    with pytest.raises(CheckpointError, match=r"revision v1\.0 of someone/some .* knows no revisions"):
        _of("someone/some@v1.0")


def test_random_weights_are_recorded_by_configuration_and_seed() -> None:
    first = provenance_of("some_tiny", {"width": 4}, BuildRequest(seed=1))
    assert (first.kind, first.seed, first.repo) == ("random", 1, None)
    assert provenance_of("some_tiny", {"width": 4}, BuildRequest(seed=1)) == first
    assert provenance_of("some_tiny", {"width": 4}, BuildRequest(seed=2)).sha256 != first.sha256
    assert provenance_of("some_tiny", {"width": 5}, BuildRequest(seed=1)).sha256 != first.sha256
