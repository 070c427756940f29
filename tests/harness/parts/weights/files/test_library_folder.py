from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.files.library_folder import library_folder
from foresight_harness.weights import read_tensors
from safetensors.torch import save_file

TENSORS = {"a.weight": torch.ones(2, 2), "b.weight": torch.zeros(2)}


def test_a_folder_that_libraries_read_alike_is_handed_on(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "model.safetensors")
    with library_folder(tmp_path) as place:
        assert place == tmp_path


def test_shards_without_an_index_get_one_and_the_folder_stays_as_it_is(tmp_path: Path) -> None:
    for number, (name, tensor) in enumerate(TENSORS.items(), 1):
        save_file({name: tensor}, tmp_path / f"model-0000{number}-of-00002.safetensors")
    (tmp_path / "config.json").write_text("{}")
    before = sorted(path.name for path in tmp_path.iterdir())
    with library_folder(tmp_path) as place:
        index = json.loads((place / "model.safetensors.index.json").read_text())
        assert index["weight_map"]["b.weight"] == "model-00002-of-00002.safetensors"
        assert (place / "config.json").is_file()
        assert dict(read_tensors(place)).keys() == TENSORS.keys()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not place.exists()


def test_a_file_of_another_name_is_called_as_libraries_want_it(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "mine.safetensors")
    with library_folder(tmp_path) as place:
        assert (place / "model.safetensors").resolve() == (tmp_path / "mine.safetensors").resolve()


def test_an_adapter_beside_the_weights_is_not_handed_to_libraries_that_would_apply_it(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "model.safetensors")
    (tmp_path / "adapter_config.json").write_text("{}")
    with library_folder(tmp_path) as place:
        assert sorted(path.name for path in place.iterdir()) == ["model.safetensors"]


def test_weights_that_are_refused_are_refused_here(tmp_path: Path) -> None:
    save_file({"a.weight": torch.zeros(2, 2, dtype=torch.int8)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="quantised"), library_folder(tmp_path):
        pass
