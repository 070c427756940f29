"""Which files of a folder are its weights: as downloads, conversions and trainings leave folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.files.weight_files import find_weights, weight_files
from safetensors.torch import save_file

Make = Callable[[Path], object]


def write(folder: Path, *names: str) -> None:
    for name in names:
        save_file({f"{name}.weight": torch.zeros(2, 2)}, folder / name)


def index(folder: Path, *names: str, called: str = "model") -> None:
    where = {f"{number}.weight": name for number, name in enumerate(names)}
    (folder / f"{called}.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))


SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


class Case(NamedTuple):
    make: Make
    read: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    plain: bool = True


READ = {
    "one file": Case(lambda at: write(at, "model.safetensors"), ("model.safetensors",)),
    "one file of diffusers": Case(
        lambda at: write(at, "diffusion_pytorch_model.safetensors"), ("diffusion_pytorch_model.safetensors",)
    ),
    "averaged weights beside": Case(
        lambda at: write(at, "model.safetensors", "model_ema.safetensors"),
        ("model.safetensors",),
        ("model_ema.safetensors",),
    ),
    "a variant beside": Case(
        lambda at: write(at, "model.safetensors", "model.fp16.safetensors"),
        ("model.safetensors",),
        ("model.fp16.safetensors",),
    ),
    "the original layout beside": Case(
        lambda at: (write(at, *SHARDS, "consolidated.safetensors"), index(at, *SHARDS)),
        SHARDS,
        ("consolidated.safetensors",),
    ),
    "an optimiser beside": Case(
        lambda at: write(at, "model.safetensors", "optimizer.safetensors"),
        ("model.safetensors",),
        ("optimizer.safetensors",),
    ),
    "a third shard that no index names": Case(
        lambda at: (write(at, *SHARDS, "model-00003-of-00003.safetensors"), index(at, *SHARDS)),
        SHARDS,
        ("model-00003-of-00003.safetensors",),
    ),
    "an index of one file": Case(
        lambda at: (write(at, "model.safetensors"), index(at, "model.safetensors")), ("model.safetensors",)
    ),
    "an index of a variant beside": Case(
        lambda at: (write(at, "model.safetensors", *SHARDS), index(at, *SHARDS, called="model.fp16")),
        ("model.safetensors",),
        SHARDS,
    ),
    "only the index of a variant": Case(
        lambda at: (write(at, *SHARDS), index(at, *SHARDS, called="model.bf16")), SHARDS, (), False
    ),
    "an adapter beside whole weights": Case(
        lambda at: (
            write(at, "model.safetensors", "adapter_model.safetensors"),
            (at / "adapter_config.json").write_text("{}"),
        ),
        ("model.safetensors",),
        ("adapter_model.safetensors",),
        False,
    ),
    "shards without an index": Case(lambda at: write(at, *SHARDS), SHARDS, (), False),
    "a file of another name": Case(
        lambda at: write(at, "vit_b_finetuned.safetensors"), ("vit_b_finetuned.safetensors",), (), False
    ),
    "what macOS leaves": Case(
        lambda at: (write(at, "model.safetensors"), (at / "._model.safetensors").write_bytes(b"\0\5\x16\7")),
        ("model.safetensors",),
    ),
}


@pytest.mark.parametrize("case", READ.values(), ids=READ.keys())
def test_a_folder_has_one_set_of_weights_and_the_rest_is_passed_over(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path)
    found = find_weights(tmp_path)
    assert tuple(path.name for path in found.read) == case.read
    assert tuple(found.passed_over) == case.passed_over
    assert found.plain is case.plain


def adapter(folder: Path) -> None:
    write(folder, "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "facebook/dinov2-base"}))


REFUSED: dict[str, tuple[Make, str]] = {
    "one file and shards": (
        lambda at: (write(at, "model.safetensors", *SHARDS), index(at, *SHARDS)),
        r"its weights twice: model\.safetensors and what model\.safetensors\.index\.json names; keep one",
    ),
    "two indexes": (
        lambda at: (
            write(at, *SHARDS, "diffusion-1.safetensors"),
            index(at, *SHARDS),
            index(at, "diffusion-1.safetensors", called="diffusion_pytorch_model"),
        ),
        "its weights twice",
    ),
    "two sets of shards": (
        lambda at: write(at, *SHARDS, "ema-00001-of-00001.safetensors"),
        "its weights twice: ",
    ),
    "two files of other names": (
        lambda at: write(at, "a.safetensors", "b.safetensors"),
        r"holds a\.safetensors and b\.safetensors, and none is called model\.safetensors",
    ),
    "an adapter": (adapter, r"is an adapter of facebook/dinov2-base .*merge it into its model first"),
    "an adapter without its configuration": (
        lambda at: write(at, "adapter_model.safetensors"),
        "is an adapter .*merge it",
    ),
    "half of the shards, no index": (
        lambda at: write(at, SHARDS[1]),
        r"holds 1 of 2 shards and no index: model-00001-of-00002\.safetensors is absent; download it again",
    ),
    "half of the shards": (
        lambda at: (write(at, SHARDS[0]), index(at, *SHARDS)),
        r"names model-00002-of-00002\.safetensors \(1 absent\); download it again",
    ),
    "an index alone": (
        lambda at: index(at, *SHARDS),
        r"names model-00001-of-00002\.safetensors \(2 absent\); download it again",
    ),
    "an index alone, of files elsewhere": (lambda at: index(at, "../model.safetensors"), "is not a weight index"),
    "a link to nothing": (
        lambda at: (at / "model.safetensors").symlink_to("../../blobs/0123"),
        r"model\.safetensors is a link to \.\./\.\./blobs/0123, which is not there; download it again",
    ),
    "a shard that is a link to nothing": (
        lambda at: (write(at, SHARDS[0]), (at / SHARDS[1]).symlink_to("nowhere"), index(at, *SHARDS)),
        r"00002-of-00002\.safetensors \(what .*index\.json names\) is a link to nowhere",
    ),
    "an index that is a link to nothing": (
        lambda at: (write(at, *SHARDS), (at / "model.safetensors.index.json").symlink_to("nowhere")),
        r"index\.json is a link to nowhere",
    ),
    "an index of files elsewhere": (
        lambda at: (write(at, *SHARDS), index(at, "../model.safetensors")),
        "is not a weight index",
    ),
    "an index that is none": (
        lambda at: (write(at, *SHARDS), (at / "model.safetensors.index.json").write_text("[]")),
        "is not a weight index",
    ),
    "an index of nothing": (
        lambda at: (write(at, *SHARDS), (at / "model.safetensors.index.json").write_text('{"weight_map": {}}')),
        "is not a weight index",
    ),
    "a pickle": (lambda at: (at / "pytorch_model.bin").write_bytes(b"\x80"), r"as a pickle \(pytorch_model\.bin\)"),
    "llama.cpp's": (lambda at: (at / "model-q4.gguf").write_bytes(b"GGUF"), r"as GGUF \(model-q4\.gguf\)"),
    "ONNX": (lambda at: (at / "model.onnx").write_bytes(b"\0"), r"as ONNX \(model\.onnx\)"),
    "nothing": (lambda at: (at / "config.json").write_text("{}"), r"holds no \*\.safetensors file"),
    "weights one folder below": (
        lambda at: ((at / "vae").mkdir(), write(at / "vae", "diffusion_pytorch_model.safetensors")),
        r"holds no \*\.safetensors file; there is one in .*/vae",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_folder_without_one_set_of_weights_is_refused_in_one_line_that_says_what_it_is(
    make: Make, message: str, tmp_path: Path
) -> None:
    make(tmp_path)
    with pytest.raises(CheckpointError, match=message) as caught:
        weight_files(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
