"""Suites of plugins, and every other one that has no file of its own here: one test each, ``test_<suite>``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import SuiteSpec, UsageError
from foresight_harness.planning.registry import load_registry


def _test_of(spec: SuiteSpec) -> Callable[..., None]:
    """A test of that suite, as the files beside this one write theirs."""

    def score(foresight_cell: Any) -> None:
        for outcome in foresight_cell.score():
            assert outcome.measurements

    def time(foresight_cell: Any, benchmark: Any) -> None:
        for outcome in foresight_cell.score(benchmark):
            assert outcome.measurements

    # A timed cell that a worker timed, or that --resume finds finished, does not use the fixture here.
    unused = pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
    test = unused(time) if spec.timed else score
    test.__name__ = f"test_{spec.name}"
    test.__doc__ = spec.title
    return pytest.mark.suite(spec.name)(test)


try:
    others = [
        spec
        for spec in load_registry().suites.values()
        if not Path(__file__).with_name(f"test_{spec.name}.py").exists()
    ]
except UsageError:

    def test_other_suites(foresight_cell: Any) -> None:
        """Nothing can be scored: collection says why, in one line."""

else:
    globals().update({f"test_{spec.name}": _test_of(spec) for spec in others})
