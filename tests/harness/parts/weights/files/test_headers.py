from __future__ import annotations

from pathlib import Path

import pytest
import torch
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.files.headers import header_of, require_floats
from safetensors.torch import save, save_file

WHOLE = save({"a.weight": torch.zeros(2, 3)})

NOT_WEIGHTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is not a safetensors file: it is empty; download it again"),
    "LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "a Git LFS pointer, not the file: run git lfs pull",
    ),
    "login page": (b"<!DOCTYPE html><html>Sign in</html>", "an HTML page, perhaps of a login"),
    "torch's archive": (b"PK\x03\x04" + bytes(80), "a ZIP archive or a pickle of torch"),
    "pickle": (b"\x80\x04\x95" + bytes(80), "a pickle under another name"),
    "GGUF": (b"GGUF" + bytes(80), "a GGUF file under another name"),
    "JSON": (b'{"weight_map": {}}', "JSON: an index under another name"),
    "noise": (bytes(range(100, 200)), "is not a safetensors file: download it again"),
    "few bytes": (b"ab", "is not a safetensors file"),
    "header that is no JSON": ((8).to_bytes(8, "little") + b"notjson!", "is not a safetensors file"),
    "header of a list": ((2).to_bytes(8, "little") + b"[]", "is not a safetensors file"),
    "cut short": (WHOLE[:-1], r"is damaged: \d+ bytes, its header promises \d+; download it again"),
    "gone on": (WHOLE + b"\0", "is damaged"),
}


@pytest.mark.parametrize(("content", "message"), NOT_WEIGHTS.values(), ids=NOT_WEIGHTS.keys())
def test_a_file_that_is_no_weights_is_named_with_what_it_is(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        header_of(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_header_tells_kinds_and_shapes(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.bfloat16)}, tmp_path / "model.safetensors")
    assert header_of(tmp_path / "model.safetensors") == {"a": ("F32", (2, 3)), "b": ("BF16", (4,))}


QUANTISED = [torch.int8, torch.uint8, torch.int32, torch.int16, torch.float8_e4m3fn, torch.float8_e5m2]


@pytest.mark.parametrize("kind", QUANTISED, ids=str)
def test_matrices_that_are_no_floating_point_numbers_are_refused(kind: torch.dtype, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a.weight": torch.zeros(2, 3), "b.weight": torch.zeros(2, 3).to(kind)}, path)
    with pytest.raises(CheckpointError, match=r"b\.weight is stored as \w+: the weights are quantised"):
        require_floats(path, header_of(path))


@pytest.mark.parametrize(
    "table",
    [
        torch.arange(6)[None],
        torch.ones(2, 3, dtype=torch.bool),
        torch.tensor(5, dtype=torch.int32),
        torch.zeros(2, 3).half(),
    ],
    ids=["positions", "a mask", "a counter", "half precision"],
)
def test_positions_masks_and_counters_are_no_quantised_weights(table: torch.Tensor, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"table": table}, path)
    require_floats(path, header_of(path))
