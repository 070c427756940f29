from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, PublishedFile, PublishedWeights
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


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_is_recorded_by_its_weights_and_its_configuration(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "some")
    before = _of(folder)
    assert _of(_folder(tmp_path / "elsewhere")).sha256 == before.sha256
    assert before.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert [(file.name, file.bytes) for file in before.files] == [("config.json", 22), ("model.safetensors", 88)]
    (folder / "config.json").write_text(json.dumps({"model_type": "other"}))
    assert _of(folder).content != before.content
    assert before.revision is None


def _second(folder: Path) -> Path:
    """A second shard, which an index names with the first."""
    save_file({"bias": torch.arange(3.0)}, folder / "second.safetensors")
    where = {"weight": "model.safetensors", "bias": "second.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    return folder


def test_several_files_are_recorded_one_by_one_with_the_hash_of_the_list(tmp_path: Path) -> None:
    folder = _second(_folder(tmp_path / "some"))
    found = _of(folder)
    listed = "".join(f"{_sha256(folder / name)}  {name}\n" for name in ("model.safetensors", "second.safetensors"))
    assert found.sha256 == hashlib.sha256(listed.encode()).hexdigest()
    assert {file.name: file.sha256 for file in found.files}["second.safetensors"] == _sha256(
        folder / "second.safetensors"
    )
    assert found.as_json()["files"][1] == {
        "name": "model.safetensors",
        "sha256": _sha256(folder / "model.safetensors"),
        "bytes": 88,
    }


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


def _table(folder: Path, **changes: str) -> PublishedWeights:
    """A row that knows the files of a folder; ``config`` and ``weights`` change its hashes."""
    hashes = {"config.json": changes.get("config"), "model.safetensors": changes.get("weights")}
    files = [PublishedFile(name, _sha256(folder / name) if told is None else told) for name, told in hashes.items()]
    return PublishedWeights("some_base", "someone/some", "MIT", tuple(files), commit=COMMIT)


def _kind(source: Path, published: PublishedWeights | None) -> str:
    request = BuildRequest(weights="pretrained", source=str(source))
    return provenance_of("some_base", {}, request, repo="someone/some", published=published).kind


def test_files_that_equal_the_table_are_published_wherever_they_lie(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "copied")
    table = _table(folder)
    assert _kind(folder, table) == "published"
    assert _kind((folder / "model.safetensors").rename(tmp_path / "other_name.safetensors"), table) == "published"


def test_a_complete_file_that_nobody_knows_is_pretrained(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "copied")
    assert _kind(folder, None) == "pretrained"
    assert _kind(folder, _table(folder, weights="0" * 64)) == "pretrained"
    assert _kind(folder, _table(folder, weights="", config="")) == "pretrained"


def test_one_unknown_file_among_known_ones_is_enough_for_pretrained(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "copied")
    table = _table(folder)
    assert _kind(_second(folder), table) == "pretrained"


def test_what_lies_beside_the_weights_is_said_and_changes_neither_hash_nor_kind(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "copied")
    table, before = _table(folder), _of(folder)
    save_file({"weight": torch.zeros(4)}, folder / "model_ema.safetensors")
    found = _of(folder)
    assert (found.sha256, found.content) == (before.sha256, before.content)
    assert before.remarks == ()
    assert found.remarks == ("passed over model_ema.safetensors beside its weights",)
    assert found.as_json()["remarks"] == list(found.remarks)
    assert _kind(folder, table) == "published"


def test_a_classifier_behind_the_tokens_is_said(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "tuned")
    names = ("dinov2.weight", "classifier.weight", "classifier.bias", "lm_head.weight", "blocks.0.mlp.fc1.weight")
    save_file({name: torch.zeros(2) for name in names}, folder / "model.safetensors")
    assert _of(folder).remarks == ("left out classifier.bias, classifier.weight behind its tokens",)


def test_a_configuration_that_the_table_lists_must_be_the_published_one(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "copied")
    assert _kind(folder, _table(folder, config="0" * 64)) == "pretrained"
    assert _kind(folder, _table(folder, config="")) == "published"


def test_weights_of_another_model_are_not_published_as_this_one(tmp_path: Path) -> None:
    """A fine-tuned file is never taken for its base, though the table knows it under its own name."""
    base, tuned = _folder(tmp_path / "base"), _folder(tmp_path / "tuned")
    save_file({"weight": torch.arange(4.0) + 1}, tuned / "model.safetensors")
    assert _kind(tuned, _table(tuned)) == "published"
    assert _kind(tuned, _table(base)) == "pretrained"


def _snapshot(tmp_path: Path, repo: str = "someone/some") -> Path:
    """The client's cache as it documents it: files named by their hashes, links in a folder named by the commit."""
    root = tmp_path / f"models--{repo.replace('/', '--')}"
    made = _folder(root / "blobs")
    folder = root / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    for path in list(made.iterdir()):
        name, stored = path.name, path.rename(made / _sha256(path))
        (folder / name).symlink_to(Path("..") / ".." / "blobs" / stored.name)
    return folder


def test_what_the_hub_gave_of_the_models_own_repository_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub(monkeypatch, _snapshot(tmp_path))
    found = _of(None, repo="someone/some")
    assert (found.kind, found.repo, found.revision) == ("published", "someone/some", COMMIT)


def test_what_the_hub_gave_of_another_repository_is_pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _hub(monkeypatch, _snapshot(tmp_path, "other/copy"))
    found = _of("other/copy", repo="someone/some")
    assert (found.kind, found.repo, found.revision) == ("pretrained", "other/copy", COMMIT)


def test_a_file_of_the_hubs_cache_that_was_changed_is_pretrained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _snapshot(tmp_path)
    save_file({"weight": torch.arange(4.0) + 1}, (folder / "model.safetensors").resolve())
    _hub(monkeypatch, folder)
    assert _of(None, repo="someone/some").kind == "pretrained"


def test_a_mirror_that_the_hubs_client_filled_is_published_by_what_the_client_wrote_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    folder = _folder(tmp_path / "someone" / "some")
    assert _of(None, repo="someone/some").kind == "pretrained"
    note = folder / ".cache" / "huggingface" / "download" / "model.safetensors.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"{COMMIT}\n{_sha256(folder / 'model.safetensors')}\n1764000000.0\n")
    found = _of(None, repo="someone/some")
    assert (found.kind, found.revision) == ("published", COMMIT)
    note.write_text(f"{COMMIT}\n{'0' * 64}\n1764000000.0\n")
    assert _of(None, repo="someone/some").kind == "pretrained"


def test_a_librarys_own_file_is_published_by_the_digits_in_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    start = hashlib.sha256(b"weights").hexdigest()[:8]
    name = f"resnet0-{start}.pth"
    table = PublishedWeights("torchvision:resnet0", "torchvision", "", (PublishedFile(name),), address=lambda: "x")
    request = BuildRequest(weights="pretrained")
    with pytest.raises(CheckpointError, match=f"{name} is not on this machine; .* weights fetch torchvision:resnet0"):
        provenance_of("torchvision:resnet0", {}, request, published=table)
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / name).write_bytes(b"weights")
    found = provenance_of("torchvision:resnet0", {}, request, published=table)
    assert (found.kind, found.repo, found.files[0].name) == ("published", "torchvision", name)
    (tmp_path / "torchvision" / name).write_bytes(b"another")
    assert provenance_of("torchvision:resnet0", {}, request, published=table).kind == "pretrained"


def test_what_was_not_fetched_names_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    with pytest.raises(
        CheckpointError, match=r"some_base is not in .*; fetch it: foresight-bench weights fetch some_base"
    ):
        _of(None, repo="fetched:some_base")
    _folder(tmp_path / "some_base")
    assert _of(None, repo="fetched:some_base").kind == "pretrained"


def test_published_files_that_are_quantised_are_not_the_published_model(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "copied")
    request = BuildRequest(weights="pretrained", source=str(folder), quantize="8bit")
    found = provenance_of("some_base", {}, request, repo="someone/some", published=_table(folder))
    whole = provenance_of("some_base", {}, replace(request, quantize="none"), published=_table(folder))
    assert (whole.kind, whole.quantize) == ("published", None)
    assert (found.kind, found.quantize, found.repo) == ("pretrained", "8bit", "someone/some")
    assert found.files == whole.files
