from __future__ import annotations

import pytest
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.files.tensor_names import heads_in, listed, prefix_of, wrapper_of

ANCHOR = "patch_embed.weight"


@pytest.mark.parametrize(
    ("names", "wrapper"),
    [
        (["module.a", "module.b.c"], "module."),
        (["_orig_mod.module.a", "_orig_mod.module.b"], "_orig_mod.module."),
        (["module.module.a", "module.module.b"], "module.module."),
        (["module.a", "b"], ""),
        (["model.a", "model.b"], ""),
        ([], ""),
    ],
)
def test_a_wrapper_stands_in_front_of_every_name(names: list[str], wrapper: str) -> None:
    assert wrapper_of(names) == wrapper


@pytest.mark.parametrize("prefix", ["", "model.", "backbone.", "module.encoder.", "dinov2."])
def test_a_model_is_found_in_a_larger_checkpoint_by_a_name_that_it_has(prefix: str) -> None:
    assert prefix_of([f"{prefix}{ANCHOR}", f"{prefix}norm.bias", "head.bias"], ANCHOR, "some") == prefix


def test_a_model_that_is_there_twice_is_refused_and_one_that_is_not_has_no_prefix() -> None:
    with pytest.raises(CheckpointError, match=r"some holds the model 2 times, under 'student\.' and 'teacher\.'"):
        prefix_of([f"student.{ANCHOR}", f"teacher.{ANCHOR}"], ANCHOR, "some")
    assert prefix_of(["my_patch_embed.weight", "other"], ANCHOR, "some") == ""
    assert prefix_of([ANCHOR, f"ema.{ANCHOR}"], ANCHOR, "some") == ""


def test_heads_are_told_from_parts_of_a_model() -> None:
    names = ["head.weight", "classifier.bias", "model.fc.weight", "lm_head.weight", "blocks.0.mlp.fc1.weight", "norm"]
    assert heads_in(names) == ["classifier.bias", "head.weight", "model.fc.weight"]
    assert listed("dcba") == "a, b, c and 1 more"
