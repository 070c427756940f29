from __future__ import annotations

from pathlib import Path

import pytest
import torch
from foresight_harness import CheckpointError
from foresight_harness.weights import exact_tensors
from safetensors.torch import save_file
from torch import Tensor, nn


def _write(folder: Path, tensors: dict[str, Tensor], name: str = "model.safetensors") -> None:
    save_file(tensors, folder / name)


def test_a_checkpoint_that_fits_comes_in_the_dtype_asked_for(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    _write(tmp_path, model.state_dict())
    found = exact_tensors(tmp_path, nn.Linear(3, 2, device="meta"), "bfloat16")
    assert torch.equal(found["weight"], model.weight.detach().bfloat16())
    assert found["bias"].dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"weight": torch.zeros(2, 3)}, r"1 missing \(first: bias\)"),
        (
            {"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "more": torch.zeros(1)},
            r"1 unexpected \(first: more\)",
        ),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(2)}, r"1 of another shape \(first: weight\)"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path: Path, tensors: dict[str, Tensor], message: str) -> None:
    _write(tmp_path, tensors)
    with pytest.raises(CheckpointError, match=message):
        exact_tensors(tmp_path, nn.Linear(3, 2), "float32")


def test_two_files_with_one_tensor_are_refused(tmp_path: Path) -> None:
    state = dict(nn.Linear(3, 2).state_dict())
    _write(tmp_path, state)
    _write(tmp_path, {"bias": state["bias"]}, "model.fp16.safetensors")
    with pytest.raises(CheckpointError, match="holds bias twice"):
        exact_tensors(tmp_path, nn.Linear(3, 2), "float32")
