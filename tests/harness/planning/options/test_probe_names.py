"""Names of probes in a command: those on offer, and audit-only ones refused with their reason."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options.probe_names import check_probes
from foresight_harness.planning.registry import Registry


def test_every_probe_that_may_rank_may_be_named(builtins: Registry) -> None:
    names = [name for name, spec in builtins.probes.items() if not spec.audit_only]
    check_probes(builtins, names)
    assert {"dense_ridge", "knn", "linear_pixels"} <= set(names)


@pytest.mark.parametrize("name", ["pooled_mlp", "detr_no_position"])
def test_an_audit_probe_is_refused_with_its_reason(builtins: Registry, name: str) -> None:
    with pytest.raises(UsageError, match=f"--probe {name}: for the audit alone, because .* the floor"):
        check_probes(builtins, (name,))


def test_an_unknown_probe_lists_the_nearest(builtins: Registry) -> None:
    with pytest.raises(UsageError, match="--probe soft_argmx: unknown probe 'soft_argmx'; did you mean soft_argmax"):
        check_probes(builtins, ("soft_argmx",))
