"""What a run says of its suites and probes, so that it is judged by what they were when it ran. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.specs import ProbeFacts, SuiteFacts
from foresight_harness.contracts.specs.suites import suite_facts_from_json
from foresight_harness.measuring.suites.specs import suite_specs
from foresight_harness.parts.probes.specs import probe_specs
from foresight_harness.planning.registry import Registry

Manifest = Mapping[str, Any]


def facts_for_manifest(registry: Registry, suites: Iterable[str], asked: Collection[str] = ()) -> dict[str, Any]:
    """The fields ``suite_facts`` and ``probe_facts`` of ``run.json``, by name.

    Args:
        registry: What is on offer: metrics of plugins stand among those of the suites that record them.
        suites: Names of those that the run has cells of.
        asked: Metrics on request that the run scores; it says nothing of others.
    """
    unasked = {spec.name for spec in registry.metrics.values() if spec.on_request and spec.name not in asked}
    found = {}
    for name in suites:
        suite = registry.suite(name)
        metrics = registry.metrics_of(replace(suite, shares=False))
        scored = tuple(facts for name_of, facts in metrics.items() if name_of not in unasked)
        found[name] = replace(suite, metrics=scored).as_json()
    return {"suite_facts": found, "probe_facts": {name: spec.as_json() for name, spec in registry.probes.items()}}


def suite_facts_of(manifest: Manifest) -> dict[str, SuiteFacts]:
    """Facts by suite; of a run of before that has none, what the harness's own suites say of themselves now."""
    found: dict[str, SuiteFacts] = {spec.name: spec for spec in suite_specs()}
    kept = manifest.get("suite_facts") or {}
    try:
        return found | {name: suite_facts_from_json(values) for name, values in kept.items()}
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise RunFolderError(f"run.json: suite_facts cannot be read ({error}); the file was damaged") from error


def probe_facts_of(manifest: Manifest) -> dict[str, ProbeFacts]:
    """The same of probes."""
    found: dict[str, ProbeFacts] = {spec.name: spec for spec in probe_specs()}
    known = {entry.name for entry in fields(ProbeFacts)}
    for name, values in (manifest.get("probe_facts") or {}).items():
        try:
            found[name] = ProbeFacts(**{key: value for key, value in values.items() if key in known})
        except TypeError as error:
            raise RunFolderError(f"run.json: probe_facts of {name} cannot be read; the file was damaged") from error
    return found


def timed_suites(manifest: Manifest) -> frozenset[str]:
    """Suites whose numbers are times."""
    return frozenset(name for name, facts in suite_facts_of(manifest).items() if facts.timed)
