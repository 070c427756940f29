from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs.models import WeightsKind
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, WeightsSource
from foresight_harness.planning.plan import check_datasets, check_sources, in_running_order, unfed
from foresight_harness.planning.registry import load_registry

LINEAR = "gradients_tiny@pooled/identity/single/linear"


def _check(source: str, weights: tuple[WeightsKind, ...] = ("random", "pretrained")) -> None:
    """With an encoder that could load these weights and a decoder that could load none."""
    name, _, place = source.partition("=")
    found = resolve(parse_candidate(LINEAR), load_registry())
    (stream,) = found.streams
    loading = replace(stream, encoder=replace(stream.encoder, weights=weights))
    check_sources([replace(found, streams=(loading,))], RunOptions(weights_sources=(WeightsSource(name, place),)))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("gradient_tiny=/x", "no candidate of this run has 'gradient_tiny'.*gradients_tiny"),
        ("linear=someone/x", "linear loads no pretrained weights"),
        ("gradients_tiny=/nowhere", "/nowhere does not exist"),
        ("gradients_tiny=x.safetensors", r"x\.safetensors does not exist"),
    ],
)
def test_a_source_that_nothing_reads_is_refused(dropin: Path, source: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        _check(source)
    assert "\n" not in str(caught.value)


def test_a_source_on_the_hub_is_asked_for_later(dropin: Path) -> None:
    _check("gradients_tiny=someone/gradients@v1")


def test_nano_weights_that_a_package_does_not_carry_may_come_from_a_folder(dropin: Path, tmp_path: Path) -> None:
    """What READMEs say where weights are not carried; the kind stays nano (``encoder_weights``)."""
    _check(f"gradients_tiny={tmp_path}", ("nano", "random"))
    with pytest.raises(UsageError, match="gradients_tiny loads no pretrained weights"):
        _check(f"gradients_tiny={tmp_path}", ("random",))


def test_suites_of_one_candidate_follow_each_other_and_those_that_need_the_encoder_live_come_first(
    builtins, planned
) -> None:
    names = [f"{stream}/identity/single/linear" for stream in ("pixels@patch", "oracle@mask")]
    suites = ("spatial", "alignment", "efficiency")
    cells = [planned(builtins, name, suite) for suite in suites for name in names]
    ordered = [(str(cell.candidate), cell.suite.name) for cell in in_running_order(cells)]
    assert ordered == [(name, suite) for name in names for suite in ("efficiency", "spatial", "alignment")]


@pytest.mark.parametrize("name", ["photos", "shapes", "coins", "digits", "one_shape", "moving_shapes", "moving_digits"])
def test_a_path_behind_a_set_that_brings_its_own_samples_is_refused(builtins, name: str, tmp_path: Path) -> None:
    options = RunOptions(datasets=(DatasetChoice(name, str(tmp_path)),))
    with pytest.raises(
        UsageError, match=f"{name} brings its own samples.*folder:{tmp_path}, with boxes coco:"
    ) as caught:
        check_datasets(builtins, options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["coco", "folder", "video", "davis"])
def test_a_path_that_is_not_there_is_refused(builtins, name: str) -> None:
    with pytest.raises(UsageError, match=f"--dataset {name}:/nowhere: /nowhere does not exist"):
        check_datasets(builtins, RunOptions(datasets=(DatasetChoice(name, "/nowhere"),)))
    with pytest.raises(UsageError, match=f"--dataset {name} needs a folder"):
        check_datasets(builtins, RunOptions(datasets=(DatasetChoice(name),)))


def test_a_name_on_the_hub_is_asked_for_later(builtins) -> None:
    check_datasets(builtins, RunOptions(datasets=(DatasetChoice("hf", "owner/name"),)))


def test_a_suite_that_a_set_cannot_feed_says_why(builtins, tmp_path: Path) -> None:
    options = RunOptions(datasets=(DatasetChoice("folder", str(tmp_path)), DatasetChoice("shapes")))
    assert unfed(builtins.suite("spatial"), builtins, options) == [
        f"spatial is not scored on folder:{tmp_path}: it carries no boxes"
    ]
    assert unfed(builtins.suite("spatial"), builtins, RunOptions()) == []
    hub = RunOptions(datasets=(DatasetChoice("hf", str(tmp_path)), DatasetChoice("hf", "owner/name")))
    assert unfed(builtins.suite("spatial"), builtins, hub) == [
        f"spatial is not scored on hf:{tmp_path}: it carries no boxes"
    ]
