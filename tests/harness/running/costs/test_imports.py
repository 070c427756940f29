"""Collecting, predicting and verifying start without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "running.costs.accounting",
        "running.costs.predicting",
        "surface.pytest_plugin.collection",
        "surface.pytest_plugin.lines",
        "judging.analyses.verifying",
        "running.run_folder.intervals",
    ],
)
def test_collecting_predicting_and_verifying_import_neither_torch_nor_scipys_statistics(module: str) -> None:
    code = f"import sys, foresight_harness.{module}; print([n for n in ('torch', 'scipy.stats') if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
