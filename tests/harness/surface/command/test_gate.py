"""``foresight-bench gate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.surface.command import main

GATE = """
schema = 1
title = "A gate"
document = "paper"
section = "1"
[[rule]]
id = "psnr"
quote = "PSNR > 22 dB"
line = 3
suite = "reconstruction"
metric = "psnr"
unit = "dB"
direction = "higher"
bound = 22
"""


@pytest.fixture
def run_and_gate(tmp_path: Path, write_run, record):
    """A run whose PSNR interval is given, and a gate that asks for 22 dB."""
    file = tmp_path / "quality.toml"
    file.write_text(GATE)

    def make(low: float, high: float) -> list[str]:
        fields = {"suite": "reconstruction", "metric": "psnr", "value": (low + high) / 2, "unit": "dB"}
        return ["gate", str(write_run([record(**fields, ci_low=low, ci_high=high, per_sample=None)])), str(file)]

    return make


@pytest.mark.parametrize(("low", "high", "code"), [(23, 24, 0), (18, 19, 1), (21, 24, 3)])
def test_exit_code_says_the_verdict(run_and_gate, low: float, high: float, code: int, capsys) -> None:
    assert main(run_and_gate(low, high)) == code
    assert "quality: " in capsys.readouterr().out


def test_json_holds_the_common_form(run_and_gate, capsys) -> None:
    assert main([*run_and_gate(23, 24), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "gates"
    assert found["gates"][0]["verdict"] == "GO"


def test_unknown_gate_and_unknown_run_are_usage_errors(run_and_gate, tmp_path: Path, capsys, monkeypatch) -> None:
    arguments = run_and_gate(23, 24)
    assert main([*arguments[:2], "nowhere.toml"]) == 2
    assert "gate nowhere.toml cannot be read" in capsys.readouterr().err
    assert main(["gate", str(tmp_path / "none"), arguments[2]]) == 2
    monkeypatch.chdir(tmp_path)
    assert main(arguments[:2]) == 2
    assert "no gate was named" in capsys.readouterr().err
