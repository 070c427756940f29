"""Three globals are admitted; a fourth, code and anything but arrays are refused in one line."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.fetching.numpy_pickle import ADMITTED, read_arrays

Older = Callable[[bytes], bytes]


class Harmful:
    """Runs a command where it is unpickled without care."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.target),)


def test_arrays_are_read_under_their_paths(trunk_pickle: bytes) -> None:
    found = read_arrays(trunk_pickle, "it")
    assert sorted(found)[:2] == ["AlexNet_0/Conv_0/bias", "AlexNet_0/Conv_0/kernel"]
    assert found["AlexNet_0/Conv_0/kernel"].shape == (2, 2, 3, 4)
    assert found["AlexNet_0/Conv_0/kernel"].dtype == np.float32


def test_exactly_three_globals_are_admitted() -> None:
    assert sorted(ADMITTED) == [("numpy", "dtype"), ("numpy", "ndarray"), ("numpy.core.multiarray", "_reconstruct")]


def test_a_fourth_global_is_refused_before_it_runs(tmp_path: Path, older_numpy: Older) -> None:
    target = tmp_path / "ran"
    content = older_numpy(pickle.dumps({"a": np.ones(2, np.float32), "b": Harmful(target)}, protocol=3))
    with pytest.raises(CheckpointError, match=r"^it is refused: it asks for \w+\.mkdir") as caught:
        read_arrays(content, "it")
    assert "\n" not in str(caught.value)
    assert not target.exists()


@pytest.mark.parametrize("name", ["collections OrderedDict", "numpy._core.multiarray _reconstruct", "builtins eval"])
def test_even_harmless_other_globals_are_refused(name: str) -> None:
    module, attribute = name.split()
    with pytest.raises(CheckpointError, match="it asks for"):
        read_arrays(f"\x80\x03c{module}\n{attribute}\n.".encode("latin-1"), "it")


@pytest.mark.parametrize(
    "tree",
    [[1.0], {"a": 1}, {"a": {"b": "text"}}, {1: {}}, {"a": np.array(["x"], object)}, np.ones(1, np.float32)],
    ids=["list", "number", "text", "key", "objects", "root"],
)
def test_what_is_no_dictionary_of_float_arrays_is_refused(tree: object, older_numpy: Older) -> None:
    with pytest.raises(CheckpointError, match="not an array of floats"):
        read_arrays(older_numpy(pickle.dumps(tree, protocol=3)), "it")


def test_a_cut_pickle_is_refused_in_one_line(trunk_pickle: bytes) -> None:
    for length in (0, 10, len(trunk_pickle) // 2, len(trunk_pickle) - 1):
        with pytest.raises(CheckpointError, match=r"^it is refused") as caught:
            read_arrays(trunk_pickle[:length], "it")
        assert "\n" not in str(caught.value)
