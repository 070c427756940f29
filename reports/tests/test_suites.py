"""What runs say of their suites: names, order and families, of runs of before as they were read then."""

from __future__ import annotations

from foresight_reports.suites import BEFORE

RINGS = {
    "order": 15,
    "timed": True,
    "read_by": ["ring_error"],
    "metrics": [
        {"name": "ring_error", "label": "Ring error", "family": "rings"},
        {"name": "radius", "label": "", "family": ""},
    ],
}


def test_an_unlisted_metric_is_called_by_its_own_name_without_unit() -> None:
    assert BEFORE.label("latency_p50_ms") == "Latency p50"
    assert BEFORE.label("time_to_first_token_ms") == "Time to first token"


def test_variants_of_a_known_metric_keep_its_name() -> None:
    assert BEFORE.label("iou_1") == "IoU, 1 object"
    assert BEFORE.label("iou_5") == "IoU, 5 objects"
    assert BEFORE.label("lpips_random_trunk_share") == "LPIPS (random trunk), share"


def test_metrics_in_a_sentence_are_called_as_in_the_tables_and_names_are_left_alone() -> None:
    assert BEFORE.named("cka orders decoded_iou, map50 (dense_ridge) does not.") == (
        "CKA orders IoU of decoded objects, mAP@0.5 (dense_ridge) does not."
    )
    for name in ("iou_net@last/identity", "my/iou", "a@iou", "lpips@last", "--iou", "viou"):
        assert BEFORE.named(name) == name


def test_metrics_belong_to_families_that_span_suites() -> None:
    assert [BEFORE.family(name) for name in ("iou_2", "psnr", "rbf_cka", "latency_p90_ms", "params", "mine")] == [
        "boxes",
        "pixels",
        "features",
        "cost",
        "cost",
        "",
    ]


def test_a_run_says_itself_how_its_suites_are_read() -> None:
    found = BEFORE.with_run({"suite_facts": {"rings": RINGS}})
    assert found.label("ring_error") == "Ring error"
    assert found.label("radius") == "Radius"
    assert found.named("ring_error of iou") == "Ring error of IoU"
    assert found.family("ring_error_2") == "rings"
    assert found.families == ("boxes", "rings", "pixels", "features", "motion", "cost")
    assert found.place("spatial") < found.place("rings") < found.place("reconstruction") < found.place("unheard_of")
    assert found.rank_of("iou") < found.rank_of("ring_error") < found.rank_of("map50") < found.rank_of("radius")
    assert found.timed("rings")
    assert not BEFORE.timed("rings")


def test_runs_of_before_are_read_in_the_order_that_stood_in_the_reader() -> None:
    suites = ("spatial", "reconstruction", "alignment", "temporal", "structure", "efficiency", "audit")
    assert [BEFORE.place(suite) for suite in suites] == list(range(7))
    leading = "iou lpips lpips_random_trunk cka cka_debiased direction_accuracy accuracy latency_p50_ms map50 psnr ssim"
    assert [BEFORE.rank_of(metric)[0] for metric in leading.split()] == list(range(11))
    assert BEFORE.families == ("boxes", "pixels", "features", "motion", "cost")
    assert [suite for suite in suites if BEFORE.timed(suite)] == ["efficiency"]


def test_what_is_no_fact_is_left_out() -> None:
    damaged = {"spatial": "no object", "odd": {"order": "first", "metrics": ["iou", {"label": "?"}], "read_by": 3}}
    found = BEFORE.with_run({"suite_facts": damaged})
    assert found.label("iou") == "IoU"
    assert found.place("odd") == found.place("unheard_of")
    assert BEFORE.with_run({"suite_facts": ["spatial"]}).facts == BEFORE.facts
