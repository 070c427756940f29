"""Which probes a command may name: those on offer that scores may be ranked by."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness.contracts.errors import UnknownPartError, UsageError
from foresight_harness.planning.registry import Registry


def check_probes(registry: Registry, names: Iterable[str]) -> None:
    """Refuse what ``--probe`` may not name. Raises: UsageError; see ``checked_probe``."""
    for name in names:
        checked_probe(registry, name)


def checked_probe(registry: Registry, name: str) -> str:
    """The name, if scores may be ranked by that probe.

    Raises:
        UsageError: in one line with the nearest names; for an audit-only probe with the reason.
    """
    try:
        spec = registry.probe(name)
    except UnknownPartError as error:
        raise UsageError(f"--probe {name}: {error}") from error
    if spec.audit_only:
        others = [one.name for one in registry.probes.values() if not (one.audit_only or one.primary)]
        raise UsageError(
            f"--probe {name}: for the audit alone, because {spec.audit_only}; "
            f"see pytest benchmarks/ --matrix audit, or choose one of {', '.join(others)}"
        )
    return name
