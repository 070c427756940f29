from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_harness import CheckpointError
from foresight_harness.weights import check_folder, checkpoint_folder
from safetensors.torch import save_file


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORESIGHT_WEIGHTS", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint of two shards with their index."""
    shards = {"a.weight": "model-00001-of-00002.safetensors", "b.weight": "model-00002-of-00002.safetensors"}
    for name, shard in shards.items():
        save_file({name: torch.ones(3, 3)}, tmp_path / shard)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "some"}))
    return tmp_path


def _check(folder: Path) -> None:
    check_folder(folder, model_types=["some"], expected="Some")


def test_a_whole_folder_passes(folder: Path) -> None:
    _check(folder)


def test_a_byte_order_mark_before_the_configuration_is_read_over(folder: Path) -> None:
    path = folder / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    _check(folder)


def _truncate(folder: Path) -> None:
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])


def _remote_code(folder: Path) -> None:
    config = {"model_type": "some", "auto_map": {"AutoModel": "modeling_some.SomeModel"}}
    (folder / "config.json").write_text(json.dumps(config))


def _pickle(folder: Path) -> None:
    for shard in folder.glob("*.safetensors"):
        shard.rename(shard.with_name("pytorch_model.bin"))


FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (_truncate, r"00002-of-00002\.safetensors is damaged: \d+ bytes, its header promises \d+"),
    (lambda folder: (folder / "model-00001-of-00002.safetensors").write_bytes(b"junk"), "is not a safetensors file"),
    (lambda folder: (folder / "model-00001-of-00002.safetensors").unlink(), "names model-00001-of-00002"),
    (_remote_code, r"asks to run its own code \(modeling_some\.SomeModel\), which is never done"),
    (_pickle, r"holds its weights as a pickle \(pytorch_model\.bin\)"),
    (
        lambda folder: (folder / "config.json").write_text('{"model_type": "llama"}'),
        "is a 'llama' checkpoint; Some needs",
    ),
    (lambda folder: (folder / "config.json").write_text("{"), "is not valid JSON"),
    (
        lambda folder: (folder / "config.json").write_text("version https://git-lfs.github.com/spec/v1"),
        "is not valid JSON: .*; it is a Git LFS pointer, not the file: run git lfs pull",
    ),
    (lambda folder: (folder / "config.json").write_text("<html>Sign in"), "is not valid JSON: .*an HTML page"),
    (lambda folder: (folder / "config.json").write_text(""), "is not valid JSON: .*it is empty"),
    (lambda folder: (folder / "config.json").write_text("[]"), "holds a list, not an object"),
    (
        lambda folder: ((folder / "config.json").unlink(), (folder / "config.json").symlink_to("nowhere")),
        r"config\.json is a link to nowhere, which is not there",
    ),
    (
        lambda folder: ((folder / "config.json").unlink(), (folder / "adapter_config.json").write_text("{}")),
        "is an adapter .*not whole weights; merge it",
    ),
    (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
]


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_a_folder_that_cannot_be_trusted_is_refused_in_one_line(
    spoil: Callable[[Path], object], message: str, folder: Path
) -> None:
    spoil(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        _check(folder)
    assert "\n" not in str(caught.value)


def test_a_file_where_a_folder_is_needed_is_said(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="is a file; a folder in the published layout is needed"):
        checkpoint_folder(str(folder / "config.json"), "someone/some", None)
    with pytest.raises(CheckpointError, match="nowhere does not exist"):
        checkpoint_folder(str(folder / "nowhere"), "someone/some", None)


def test_weights_inside_an_installed_package_are_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "carrying" / "weights" / "small"
    folder.mkdir(parents=True)
    (tmp_path / "carrying" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert checkpoint_folder(None, "package:carrying/weights/small", None) == folder
    for absent in ("package:carrying/weights/large", "package:absent/weights", "package:carrying"):
        with pytest.raises(CheckpointError, match=f"checkpoint {absent} is not installed"):
            checkpoint_folder(None, absent, None)
