"""Values of parts: drawn by name, laid on the meta device, counted without memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import CheckpointError, UsageError
from foresight_vlm_kit.blueprint import draw, materialise
from foresight_vlm_kit.counting import count_on_meta, require_both
from foresight_vlm_kit.library import _quiet
from foresight_vlm_kit.origin import Origin, complete, require_size
from torch import nn

ORIGIN = Origin("model_1b", Path("weights"), 0, "cpu", "bfloat16", "sdpa", {})
SHAPE = torch.Size((4, 3))


def test_a_tensor_is_drawn_by_seed_and_name_alone() -> None:
    before = torch.random.get_rng_state()
    drawn = draw("a.weight", SHAPE, 0, 2.0)
    assert torch.equal(drawn, draw("a.weight", SHAPE, 0, 2.0))
    assert torch.equal(drawn, 2 * draw("a.weight", SHAPE, 0, 1.0))
    assert not torch.equal(drawn, draw("b.weight", SHAPE, 0, 2.0))
    assert not torch.equal(drawn, draw("a.weight", SHAPE, 1, 2.0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_norms_start_at_one_and_biases_at_zero() -> None:
    assert draw("norm.weight", torch.Size((3,)), 0, 2.0).tolist() == [1, 1, 1]
    assert draw("norm.bias", torch.Size((3,)), 0, 2.0).tolist() == [0, 0, 0]


def test_a_buffer_that_got_no_value_is_named() -> None:
    with torch.device("meta"):
        module: Any = nn.Linear(3, 4)
        module.register_buffer("scale", torch.ones(1), persistent=False)
    with pytest.raises(RuntimeError, match=r"Linear: scale has no value \(1 in all\)"):
        materialise(module, {"weight": torch.zeros(4, 3), "bias": torch.zeros(4)}, "cpu")


def test_parameters_are_counted_without_memory() -> None:
    assert count_on_meta(lambda: nn.Linear(10**6, 10**6, bias=False)) == 10**12


def test_language_blocks_are_counted_with_the_vision_side_and_only_where_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
    require_both(ORIGIN, ["patch_embed"], "tower", lambda: pytest.fail("counted"), lambda depth: pytest.fail("counted"))
    require_both(ORIGIN, ["llm.02"], "tower", lambda: 2**28, lambda depth: depth * 2**27)
    with pytest.raises(UsageError, match=r"^model_1b \(tower and 3 blocks of the language model\) needs 1\.2 GiB"):
        require_both(ORIGIN, ["llm.02", "llm.03"], "tower", lambda: 2**28, lambda depth: depth * 2**27)


def test_a_checkpoint_of_another_size_or_without_a_field_is_refused_by_name() -> None:
    require_size(ORIGIN, "vision", {"width": 8, "depth": 2}, {"width": 8, "depth": 3}, ("width",))
    with pytest.raises(CheckpointError, match=r"^weights is another size than model_1b: its vision depth is 2, not 3$"):
        require_size(ORIGIN, "vision", {"width": 8, "depth": 2}, {"width": 8, "depth": 3}, ("width", "depth"))
    with (
        pytest.raises(CheckpointError, match=r"^weights/config\.json lacks 'width'; is it complete\?$"),
        complete(ORIGIN),
    ):
        require_size(ORIGIN, "vision", {}, {"width": 8}, ("width",))


def test_the_library_is_as_talkative_after_loading_as_before() -> None:
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with _quiet():
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (logging.ERROR, False)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (level, bars)
