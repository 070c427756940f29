from __future__ import annotations

import re

import pytest
from foresight_harness.running.exporters.tracker_terms import (
    about,
    about_run,
    key_of,
    numbers_of,
    shown_name,
    texts_of,
    without_secrets,
)

RANDOM = [
    {"part": "encoder", "name": "dinov2_tiny", "kind": "random"},
    {"part": "decoder", "name": "x", "kind": "none"},
]


def test_a_number_goes_with_its_interval_and_its_samples(record) -> None:
    told = numbers_of(record(probe="dense_ridge"))
    key = "spatial/shapes/iou/dense_ridge"
    assert told == {key: 0.5, f"{key}_low": 0.4, f"{key}_high": 0.6, f"{key}_n": 4.0}


def test_what_is_absent_is_left_out_and_never_zero(record) -> None:
    assert numbers_of(record(ci_low=None, ci_high=None)) == {"spatial/shapes/iou": 0.5, "spatial/shapes/iou_n": 4.0}
    assert numbers_of(record(value=None, ci_low=None, ci_high=None)) == {}


def test_a_failed_cell_is_a_text_with_its_reason_and_no_number(record) -> None:
    failed = record(metric=None, value=None, status="oom", error="CUDA out of memory")
    assert numbers_of(failed) == {}
    assert texts_of(failed) == {"status/spatial/shapes": "oom: CUDA out of memory"}


def test_names_hold_only_what_every_tracker_takes(record) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_\-./ ]+", key_of(record(dataset="coco:/data/(1)", metric="psnr@2")))


@pytest.mark.parametrize(("kind", "mark"), [("random", " [random]"), ("nano", " [nano]"), ("pretrained", "")])
def test_random_and_nano_weights_are_marked_in_the_name(kind: str, mark: str, record) -> None:
    made = record(provenance=[{**RANDOM[0], "kind": kind}, RANDOM[1]])
    assert shown_name(made) == made["candidate"] + mark
    assert about(made)["weights"] == kind


def test_numbers_that_may_not_be_ranked_or_gated_say_so(record) -> None:
    told = texts_of(record(probe="conv", controls_ok=False, gateable=False))
    assert told["protocol/spatial/shapes/conv"] == "p0"
    assert "not_ranked/spatial/shapes/conv" in told
    assert "not_gateable/spatial/shapes/iou/conv" in told
    assert not {key for key in texts_of(record()) if key.startswith("not_")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://me:secret@host/a/b", "https://...@host/a/b"),
        ("http://host/?write_token=abc&x=1", "http://host/?..."),
        ("sqlite:////runs/mlflow.db", "sqlite:////runs/mlflow.db"),
        ("no answer from https://t0ken@h:80/x today", "no answer from https://...@h:80/x today"),
    ],
)
def test_names_passwords_and_queries_of_addresses_are_not_told(text: str, told: str) -> None:
    assert without_secrets(text) == told


def test_facts_of_a_run_are_short_and_those_that_are_absent_are_left_out() -> None:
    told = about_run("r", "pytest " + "x" * 900, "smoke", {"git_sha": "abc"}, {"cpu": "a cpu", "gpus": []})
    assert len(told.pop("command")) == 500
    assert told == {"run": "r", "scale": "smoke", "cpu": "a cpu", "git_sha": "abc"}
