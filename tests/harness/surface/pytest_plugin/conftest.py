"""A folder of photographs in COCO's layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def photographs(tmp_path: Path, write_photographs: Callable[[Path], Path]) -> Path:
    """Twelve crops of a real photograph, JPEG and PNG, of unequal sizes, one box each."""
    return write_photographs(tmp_path / "photographs")
