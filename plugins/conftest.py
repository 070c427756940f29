"""Shared by the tests of every folder here, without a file of theirs knowing of it."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def drawn_anew() -> None:
    """Every test draws the same numbers, alone or after whichever others its process ran."""
    torch.manual_seed(0)
