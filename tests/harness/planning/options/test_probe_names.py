"""Names of probes: the same as the probes themselves, and audit-only ones refused with their reason."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.probes import PROBES, probe
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.options.probe_names import (
    AUDIT_PROBES,
    PIXEL_PROBE,
    PRIMARY,
    RANKING_PROBES,
    SEEDED_PROBES,
)


def test_names_are_those_of_the_probes() -> None:
    assert {*RANKING_PROBES, *AUDIT_PROBES} - {PIXEL_PROBE} == set(PROBES)
    assert set(AUDIT_PROBES) == {name for name in PROBES if probe(name).audit_only}
    assert {*PROBES} - SEEDED_PROBES == {PRIMARY}


@pytest.mark.parametrize("name", AUDIT_PROBES)
def test_an_audit_probe_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(UsageError, match=f"--probe {name}: for the audit alone, because .* the floor"):
        RunOptions(probes=(name,))


def test_an_unknown_probe_lists_the_nearest() -> None:
    with pytest.raises(UsageError, match="--probe soft_argmx: there is no such probe; choose one of soft_argmax"):
        RunOptions(probes=("soft_argmx",))
