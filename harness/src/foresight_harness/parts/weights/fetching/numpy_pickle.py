"""A pickle of nested dictionaries of NumPy arrays, read without running anything else that a pickle can ask for."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct
from numpy.typing import NDArray

from foresight_harness.contracts.errors import CheckpointError

ADMITTED: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
"""The three globals that NumPy before 2.0 wrote for an array. Whatever else a pickle asks for is refused."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """One of the three. Raises: pickle.UnpicklingError for any other."""
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        """Refused. Raises: pickle.UnpicklingError."""
        raise pickle.UnpicklingError("it asks for an object from outside")


def read_arrays(content: bytes, what: str) -> dict[str, NDArray[np.floating[Any]]]:
    """Arrays by their path in the nested dictionaries (``AlexNet_0/Conv_0/kernel``).

    Args:
        content: Of the pickle.
        what: For messages.

    Raises:
        CheckpointError: if the pickle asks for any global but NumPy's three, is cut, or holds anything but dictionaries
            of arrays of numbers.
    """
    try:
        tree = _ArrayUnpickler(io.BytesIO(content)).load()
    except Exception as error:  # a damaged pickle fails in whatever way its next byte says
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{what} is refused: {reason}; only dictionaries of NumPy arrays are read") from None
    found: dict[str, NDArray[np.floating[Any]]] = {}
    _collect(tree, "", found, what)
    return found


def _collect(tree: object, path: str, found: dict[str, NDArray[np.floating[Any]]], what: str) -> None:
    if isinstance(tree, np.ndarray) and tree.dtype.kind == "f" and path:
        found[path] = tree
    elif isinstance(tree, dict) and all(isinstance(key, str) for key in tree):
        for key, branch in tree.items():
            _collect(branch, f"{path}/{key}" if path else key, found, what)
    else:
        kind = tree.dtype if isinstance(tree, np.ndarray) else type(tree).__name__
        raise CheckpointError(f"{what} is refused: it holds {kind} at {path or 'its root'}, not an array of floats")
