"""Names of metrics in a command: those on request, and others refused in one line with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from foresight_harness.contracts.errors import CheckpointError, UsageError
from foresight_harness.planning.options.metric_names import check_metrics
from foresight_harness.planning.registry import Registry


def offering(builtins: Registry, identity: Callable[[], str]) -> Registry:
    asked = replace(builtins.metrics["ssim"], name="meaning_v1", on_request=True, identity=identity)
    return replace(builtins, metrics={**builtins.metrics, "meaning_v1": asked})


def absent() -> str:
    raise CheckpointError("checkpoint folder /x does not exist")


def test_what_is_on_request_may_be_named(builtins: Registry) -> None:
    asked: list[str] = []
    check_metrics(offering(builtins, lambda: asked.append("hashed") or "sha256 0"), ("meaning_v1",))
    assert asked == ["hashed"]


def test_another_version_of_the_prompts_lists_the_nearest(builtins: Registry) -> None:
    with pytest.raises(UsageError, match="--metric meaning_v9: unknown metric; did you mean meaning_v1") as refused:
        check_metrics(offering(builtins, str), ("meaning_v9",))
    assert "\n" not in str(refused.value)


def test_where_nothing_is_on_request_that_is_said(builtins: Registry) -> None:
    with pytest.raises(UsageError, match="unknown metric: no installed plugin offers metrics on request"):
        check_metrics(builtins, ("meaning_v1",))


def test_what_is_scored_anyway_is_no_request(builtins: Registry) -> None:
    with pytest.raises(UsageError, match="--metric psnr: is scored unasked, wherever its suite is"):
        check_metrics(builtins, ("psnr",))


def test_missing_weights_are_said_before_any_work_and_a_plan_needs_none(builtins: Registry) -> None:
    registry = offering(builtins, absent)
    with pytest.raises(UsageError, match="--metric meaning_v1: checkpoint folder /x does not exist") as refused:
        check_metrics(registry, ("meaning_v1",))
    assert "\n" not in str(refused.value)
    check_metrics(registry, ("meaning_v1",), weights=False)
