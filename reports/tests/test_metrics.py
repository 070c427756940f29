"""How numbers are written."""

from __future__ import annotations

import pytest
from foresight_reports import metrics


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0.41234, "ratio", "0.412"),
        (-0.5, "ratio", "−0.500"),
        (0.0, "ratio", "0.000"),
        (0.00042, "ratio", "4.2e−04"),
        (12.345, "ms", "12.3"),
        (1.234, "ms", "1.23"),
        (1234.5, "ms", "1,234"),
        (22.456, "dB", "22.46"),
        (86_600_000, "parameters", "86.6 M"),
        (34_000_000, "parameters", "34.0 M"),
        (304_000_000, "parameters", "304 M"),
        (None, "ms", "—"),
    ],
)
def test_a_number_is_written_with_the_digits_that_carry(value: float | None, unit: str, written: str) -> None:
    assert metrics.write(value, unit) == written


def test_an_interval_with_a_minus_uses_a_word_and_not_a_dash() -> None:
    assert metrics.span(0.1, 0.2) == "0.100–0.200"
    assert metrics.span(-0.1, 0.2) == "−0.100 to 0.200"
    assert metrics.span(None, 0.2) == ""


def test_an_unlisted_metric_is_called_by_its_own_name_without_unit() -> None:
    assert metrics.label("latency_p50_ms") == "Latency p50"
    assert metrics.label("time_to_first_token_ms") == "Time to first token"


def test_variants_of_a_known_metric_keep_its_name() -> None:
    assert metrics.label("iou_1") == "IoU, 1 object"
    assert metrics.label("iou_5") == "IoU, 5 objects"
    assert metrics.label("lpips_random_trunk_share") == "LPIPS (random trunk), share"


def test_a_fact_is_never_better() -> None:
    assert metrics.better("higher", 2.0, 1.0)
    assert metrics.better("lower", 1.0, 2.0)
    assert not metrics.better("none", 1.0, 2.0)


def test_metrics_in_a_sentence_are_called_as_in_the_tables_and_names_are_left_alone() -> None:
    assert metrics.named("cka orders decoded_iou, map50 (dense_ridge) does not.") == (
        "CKA orders IoU of decoded objects, mAP@0.5 (dense_ridge) does not."
    )
    for name in ("iou_net@last/identity", "my/iou", "a@iou", "lpips@last", "--iou", "viou"):
        assert metrics.named(name) == name


def test_metrics_belong_to_families_that_span_suites() -> None:
    assert [metrics.family(name) for name in ("iou_2", "psnr", "rbf_cka", "latency_p90_ms", "params", "mine")] == [
        "boxes",
        "pixels",
        "features",
        "cost",
        "cost",
        "",
    ]
