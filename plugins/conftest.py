"""Shared by the tests of every folder here, without a file of theirs knowing of it."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def drawn_anew() -> None:
    """Every test draws the same numbers, alone or after whichever others its process ran."""
    if torch.cuda.is_available():
        torch.manual_seed(0)
    else:  # a hundredth of the time: no seed is kept, with the stack that set it, for a device that never comes
        torch.default_generator.manual_seed(0)
