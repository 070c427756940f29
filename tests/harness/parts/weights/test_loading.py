from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from foresight_harness import CheckpointError
from foresight_harness.weights import differing, exact_tensors, require_complete
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
    _write(tmp_path, state, "model-00001-of-00002.safetensors")
    _write(tmp_path, {"bias": state["bias"]}, "model-00002-of-00002.safetensors")
    with pytest.raises(CheckpointError, match=r"holds bias twice, in model-00001.*and in model-00002"):
        exact_tensors(tmp_path, nn.Linear(3, 2), "float32")


def test_what_lies_beside_the_weights_is_not_read(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    _write(tmp_path, model.state_dict())
    _write(tmp_path, {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)}, "model_ema.safetensors")
    assert torch.equal(exact_tensors(tmp_path, nn.Linear(3, 2), "float32")["weight"], model.weight)


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "_orig_mod.module."])
def test_what_a_training_put_in_front_of_every_name_is_taken_away(tmp_path: Path, wrapper: str) -> None:
    model = nn.Linear(3, 2)
    _write(tmp_path, {wrapper + name: tensor for name, tensor in model.state_dict().items()})
    assert torch.equal(exact_tensors(tmp_path, nn.Linear(3, 2), "float32")["weight"], model.weight)


@pytest.mark.parametrize(
    ("missing", "unexpected", "cause"),
    [
        (["a.weight"], ["model.a.weight"], "Its names begin with 'model.', the model's do not"),
        (["a.weight"], ["base_model.a.lora_A.weight", "a.b"], "It holds LoRA weights beside its own"),
        (["a.weight"], ["b.weight"], "Is it another size or version?"),
        ([], ["extra.weight"], "Is it another size or version?"),
    ],
)
def test_a_misfit_says_its_likely_cause(missing: list[str], unexpected: list[str], cause: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(cause)):
        require_complete("some", missing=missing, unexpected=unexpected)


def test_a_tensor_of_another_shape_is_named_with_both() -> None:
    told = r"1 of another shape \(first: pos_embed\), \(1, 196, 64\) in the checkpoint and \(1, 197, 64\) in the model"
    with pytest.raises(CheckpointError, match=told):
        require_complete("some", mismatched=differing({"pos_embed": (1, 196, 64)}, {"pos_embed": (1, 197, 64)}))
