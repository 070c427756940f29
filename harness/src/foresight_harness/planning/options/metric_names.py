"""Which metrics a command may name: those that are scored on request alone."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.registry import nearest


def check_metrics(registry: Registry, names: Iterable[str], *, weights: bool = True) -> None:
    """Refuse what ``--metric`` may not name, before any work.

    Args:
        registry: What is on offer.
        names: As given.
        weights: Whether what a metric reads must be there; a plan needs none of it.

    Raises:
        UsageError: in one line: the nearest names, that it is scored anyway, or that its weights are not here.
    """
    known = {spec.name: spec for spec in registry.metrics.values() if spec.on_request}
    for name in names:
        if name in known:
            identity = known[name].identity
            try:
                _ = identity() if weights and identity is not None else None
            except ForesightError as error:
                raise UsageError(f"--metric {name}: {error}") from error
        elif name in registry.metrics:
            raise UsageError(f"--metric {name}: is scored unasked, wherever its suite is; leave the option out")
        else:
            hint = nearest(name, known) if known else ": no installed plugin offers metrics on request"
            raise UsageError(f"--metric {name}: unknown metric{hint}")
