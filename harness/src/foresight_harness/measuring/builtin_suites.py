"""The harness's own suites, through the hook that plugins use. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import SuiteSpec
from foresight_harness.measuring.suites.specs import suite_specs


@hookimpl
def foresight_suites() -> Iterable[SuiteSpec]:
    """``spatial``, ``reconstruction``, ``alignment``, ``temporal``, ``structure``, ``efficiency``, ``audit``."""
    return suite_specs()
