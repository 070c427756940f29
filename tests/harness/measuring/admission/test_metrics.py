"""Metrics of plugins that are wrong: each is named with its plugin, and costs its own column alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.measuring.admission.metrics import MetricAdmission
from foresight_harness.parts.checks import metric_checks
from foresight_harness.planning.registry import PluginInfo, Registry
from foresight_harness.running.keeper import RunKeeper
from torch import Tensor

Values = Callable[[Any, Any], Any]


def overlap(output: Any, target: Any) -> Tensor:
    """Share of the first true box that the first predicted one covers. [B] float64"""
    found = []
    for one, two in zip(output, target, strict=True):
        low, high = torch.maximum(one[0, :2], two[0, :2]), torch.minimum(one[0, 2:], two[0, 2:])
        found.append((high - low).clamp(min=0).prod() / (two[0, 2:] - two[0, :2]).prod())
    return torch.stack(found).double()


def _raises(output: Any, target: Any) -> Tensor:
    raise KeyError("no such\nbox")


SPEC = MetricSpec("cover", lambda: overlap, "boxes", "ratio", "higher", (0.0, 1.0), "by hand")
FAULTS: dict[str, tuple[Values, dict[str, Any], str]] = {
    "batch mean copied": (
        lambda o, t: overlap(o, t).mean().expand(len(o)).clone(),
        {},
        "alone against in a batch|mean",
    ),
    "one number": (lambda o, t: overlap(o, t).mean(), {}, "never a mean"),
    "too short": (lambda o, t: overlap(o, t)[1:], {}, "one value a sample"),
    "too long": (lambda o, t: torch.cat([overlap(o, t), overlap(o, t)]), {}, "one value a sample"),
    "a list": (lambda o, t: overlap(o, t).tolist(), {}, "returned a list of 4, the first a float"),
    "out of range": (lambda o, t: 7.243 * overlap(o, t), {}, "leave the declared range"),
    "below range": (lambda o, t: overlap(o, t) - 2, {}, "leave the declared range"),
    "reversed": (overlap, {"direction": "lower"}, "declare the other direction"),
    "infinite": (lambda o, t: overlap(o, t) / 0, {"range": (0.0, None)}, "infinite"),
    "undefined": (lambda o, t: overlap(o, t) * float("nan"), {}, "none of 4 values is defined"),
    "raises": (_raises, {}, "raises KeyError"),
    "of the batch's size": (lambda o, t: overlap(o, t) * 0.9 ** len(o), {}, "one by one against together"),
    "a running sum": (lambda o, t: overlap(o, t).cumsum(0) / 9, {}, "one by one against together"),
}


def _registry(builtins: Registry, spec: MetricSpec) -> Registry:
    plugin = PluginInfo("planted", "foresight-planted", "1", "0" * 16)
    owners = {**builtins.owners, ("metric", spec.name): plugin}
    return replace(builtins, metrics={**builtins.metrics, spec.name: spec}, owners=owners)


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_metric_is_named_and_gives_no_value(builtins: Registry, name: str) -> None:
    function, declared, said = FAULTS[name]
    spec = replace(SPEC, build=lambda: function, **declared)
    admission = MetricAdmission(_registry(builtins, spec))
    target = metric_checks.target_of("boxes")
    values = admission.built(spec)(metric_checks.damaged("boxes", target, 0.1), target)
    fault = admission.fault_of("cover")
    assert fault is not None
    assert fault.startswith("metric cover of plugin 'planted' (hook foresight_metrics): ")
    assert any(part in fault for part in said.split("|")), fault
    assert "\n" not in fault
    assert values.isnan().all()
    assert values.shape == (4,)


def test_a_metric_that_cannot_be_built_is_named(builtins: Registry) -> None:
    spec = replace(SPEC, build=lambda: {}["absent"])
    admission = MetricAdmission(_registry(builtins, spec))
    admission.built(spec)
    assert "build fails: KeyError" in str(admission.fault_of("cover_share"))


def test_an_honest_metric_is_believed_and_so_is_one_with_gaps_that_are_counted(builtins: Registry) -> None:
    admission = MetricAdmission(_registry(builtins, SPEC))
    target = metric_checks.target_of("boxes")
    assert torch.equal(admission.built(SPEC)(target, target), overlap(target, target))
    gaps = replace(SPEC, build=lambda: lambda o, t: torch.where(overlap(o, t) < 0.6, float("nan"), overlap(o, t)))
    other = MetricAdmission(_registry(builtins, gaps))
    worse = [*metric_checks.damaged("boxes", target[:2], 0.15), *target[2:]]
    other.built(gaps)(worse, target)
    assert (admission.faults, other.faults) == ({}, {})
    assert other.undefined == {"cover": (2, 4)}


@pytest.mark.parametrize("coarse", [False, True])
def test_equal_values_are_a_copied_mean_unless_the_metric_counts_few_facts(builtins: Registry, coarse: bool) -> None:
    spec = replace(SPEC, build=lambda: lambda o, t: torch.full((len(o),), 5 / 6, dtype=torch.float64), coarse=coarse)
    admission = MetricAdmission(_registry(builtins, spec), asked=False)
    target = metric_checks.target_of("boxes")
    values = admission.built(spec)(metric_checks.damaged("boxes", target, 0.1), target)
    assert bool(values.isnan().any()) is not coarse
    assert ("is it the mean of the batch" in str(admission.fault_of("cover"))) is not coarse


@pytest.mark.usefixtures("few_pictures")
def test_a_broken_metric_costs_its_own_column_and_no_other(
    builtins: Registry, make_keeper: Callable[..., RunKeeper], planned
) -> None:
    registry = _registry(builtins, replace(SPEC, build=lambda: FAULTS["out of range"][0]))
    keeper = make_keeper(registry)
    cell = planned(registry, "pixels@patch/identity/single/linear", "spatial")
    keeper.plan([cell])
    keeper.run_cell(cell)
    records = [record for record in keeper.folder.records() if record.candidate.startswith("pixels@")]
    by_metric = {record.metric: record for record in records}
    assert by_metric["cover"].status == "failed"
    assert by_metric["cover"].value is None
    assert "plugin 'planted'" in str(by_metric["cover"].error)
    assert by_metric["iou"].ok
    assert by_metric["iou"].value is not None
    assert {record.of_cell for record in records} == {len(records)}
