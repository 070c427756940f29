from __future__ import annotations

import locale
import os
import random
import signal
import timeit
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import PluginFailure
from foresight_harness.planning.plugin_calls import Maker, calling
from foresight_harness.planning.plugin_calls.environment import LIBRARIES
from foresight_harness.planning.plugin_calls.process_state import ProcessState

MAKER = Maker("odd", "encoder 'odd_tiny'")


def _other_state() -> list[object]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(LIBRARIES)}
    return [
        *(torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(), torch.get_num_threads()),
        *(torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision(), Path.cwd()),
        *(torch.backends.cuda.matmul.allow_tf32, torch.is_autocast_enabled("cpu"), torch.backends.cudnn.deterministic),
        *(signal.getsignal(signal.SIGTERM), list(warnings.filters), locale.setlocale(locale.LC_ALL), environment),
        *(torch.rand(3).tolist(), np.random.rand(3).tolist(), [random.random() for _ in range(3)]),
    ]


MOVES: dict[str, Callable[[], object]] = {
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "default device": lambda: torch.set_default_device("meta"),
    "grad mode": lambda: torch.set_grad_enabled(False),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "float32 matmul precision": lambda: torch.set_float32_matmul_precision("medium"),
    "TF32 flags": lambda: setattr(torch.backends.cudnn, "allow_tf32", False),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "environment variable FORESIGHT_ODD": lambda: os.environ.__setitem__("FORESIGHT_ODD", "1"),
    "environment variable CUDA_VISIBLE_DEVICES": lambda: os.environ.__setitem__("CUDA_VISIBLE_DEVICES", ""),
}
SILENT: dict[str, Callable[[], object]] = {
    "threads": lambda: torch.set_num_threads(3),
    "working directory": lambda: os.chdir("/"),
    "warnings filters": lambda: warnings.simplefilter("error"),
    "signal handlers": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "environment added": lambda: os.environ.__setitem__("SOME_MODE", "fast"),
    "environment removed": lambda: os.environ.pop("HOME", None),
    "torch seed": lambda: torch.manual_seed(7),
    "numpy seed": lambda: np.random.seed(7),
    "seed": lambda: random.seed(7),
}


def _seeded() -> list[object]:
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    return _other_state()


@pytest.mark.parametrize("name", list(MOVES))
def test_a_change_of_what_moves_numbers_is_a_failure_that_names_it_and_is_put_back(name: str) -> None:
    before = _seeded()
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    with pytest.raises(PluginFailure) as raised, calling(MAKER, "build", random=True):
        MOVES[name]()
    assert "plugin 'odd', build of encoder 'odd_tiny' changed the " in str(raised.value)
    assert name in str(raised.value)
    assert _other_state() == before


@pytest.mark.parametrize("name", list(SILENT))
def test_everything_else_is_put_back_without_a_word(name: str) -> None:
    before = _seeded()
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    with calling(MAKER, "build", random=True):
        SILENT[name]()
    assert _other_state() == before


def test_what_a_failing_call_changed_is_put_back_too() -> None:
    def fail() -> None:
        torch.set_default_dtype(torch.float64)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"), calling(MAKER, "build"):
        fail()
    assert torch.get_default_dtype() == torch.float32


def test_libraries_keep_what_they_set_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    with calling(MAKER, "import"):
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
    assert os.environ.pop("TOKENIZERS_PARALLELISM") == "false"


def test_draws_between_two_forwards_stay_visible() -> None:
    """Noise that is drawn for every batch must differ, or whoever encodes twice would take it for none."""
    draws = []
    for _ in range(2):
        with calling(MAKER, "encode"):
            draws.append(torch.rand(1).item())
    assert draws[0] != draws[1]


def test_watching_a_call_costs_microseconds() -> None:
    def call() -> None:
        with calling(MAKER, "encode"):
            pass

    assert min(timeit.repeat(call, number=200, repeat=5)) / 200 < 300e-6
    assert ProcessState.now().put_back() == ""
