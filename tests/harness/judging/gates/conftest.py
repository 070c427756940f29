"""Gates written in the tests, and runs that they judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness.judging.gates import Gate, read_gate

HEAD = 'schema = 1\ntitle = "A gate"\ndocument = "paper"\nsection = "1"\n'
RULE = """
[[rule]]
id = "iou"
quote = "IoU > 0.4"
line = 7
suite = "spatial"
metric = "iou"
probe = "dense_ridge"
unit = "ratio"
direction = "higher"
bound = 0.4
"""

MakeGate = Callable[..., Gate]


@pytest.fixture
def gate(tmp_path: Path) -> MakeGate:
    """Read a gate of one rule (or the given rules) after changing its text."""

    def make(*changes: tuple[str, str], head: str = "", rules: str = RULE, name: str = "a_gate") -> Gate:
        text = HEAD + head + rules
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return read_gate(path)

    return make


@pytest.fixture
def rule_text() -> str:
    """One rule as it stands in a file."""
    return RULE
