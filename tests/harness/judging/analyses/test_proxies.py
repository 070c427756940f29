from __future__ import annotations

import pytest
from foresight_harness.judging.analyses.proxies import LEAST_CANDIDATES, analyse

FAMILIES = ("a", "b", "c")


def _run(constructed, pairs, *, kind="pretrained", families=FAMILIES, direction="higher"):
    """IoU of the spatial suite against LPIPS of the reconstructions, one candidate a pair; less LPIPS is better."""
    for index, (iou, lpips) in enumerate(pairs):
        streams = f"e{index}@last/identity/single"
        common = {"kind": kind, "family": families[index % len(families)]}
        constructed.add(f"{streams}/linear", iou, direction=direction, **common)
        constructed.add(
            f"{streams}/vae",
            lpips,
            suite="reconstruction",
            metric="lpips",
            direction="lower",
            decoder=True,
            **common,
        )
    return analyse(constructed.run())


def test_a_metric_that_orders_as_the_outcome_does_is_fit_for_a_gate(constructed) -> None:
    found = _run(constructed, [(index / 20, 1 - index / 15) for index in range(12)])
    (row,) = found.rows
    assert row["correlation"].value == pytest.approx(1)  # more IoU goes with less LPIPS, and less LPIPS is better
    assert (row["candidates"], row["worst_left_out"], row["gateable"]) == (12, pytest.approx(1), True)
    assert (row["proxy"], row["outcome"], row["decoder"]) == ("iou", "lpips", "vae")
    assert found.finding == "1 of 1 pairs are fit for a gate: iou for lpips on shapes."


def test_directions_are_taken_into_account(constructed) -> None:
    found = _run(constructed, [(index / 20, 1 - index / 15) for index in range(12)], direction="lower")
    assert found.rows[0]["correlation"].value == pytest.approx(-1)
    assert found.rows[0]["sentence"].startswith("Do not gate on iou: these candidates do not show")


def test_an_unrelated_metric_is_said_not_to_be_gated_on(constructed) -> None:
    iou = [5, 2, 9, 1, 7, 11, 3, 8, 0, 10, 6, 4]
    found = _run(constructed, [(value / 20, index / 15) for index, value in enumerate(iou)])
    (row,) = found.rows
    assert row["correlation"].low < 0 < row["correlation"].high
    assert not row["gateable"]
    assert row["sentence"] == (
        "Do not gate on iou: these candidates do not show that it orders lpips better than chance."
    )
    assert found.finding.startswith("None of 1 pairs of a cheap metric and a reconstruction is fit for a gate")


def test_an_order_that_one_family_makes_is_named(constructed) -> None:
    # Family a lies far above on both; among b, which is the rest, the order is turned round.
    high = [(0.8 + index / 100, 0.1 - index / 100) for index in range(10)]
    low = [(0.10, 0.8), (0.11, 0.81), (0.12, 0.82), (0.13, 0.83)]
    families = ["a"] * 10 + ["b"] * 4
    (row,) = _run(constructed, high + low, families=families).rows
    assert row["correlation"].low > 0.5
    assert row["worst_left_out"] == pytest.approx(-1)
    assert row["left_out_family"] == "a"
    assert not row["gateable"]
    assert row["sentence"] == "Do not gate on iou: without a its rank correlation falls to -1.00."


def test_candidates_of_one_family_do_not_speak_for_others(constructed) -> None:
    (row,) = _run(constructed, [(index / 20, 1 - index / 15) for index in range(12)], families=["a"]).rows
    assert (row["worst_left_out"], row["gateable"]) == (None, False)
    assert "nearly all candidates are of one family" in row["sentence"]


def test_random_weights_never_make_a_metric_fit(constructed) -> None:
    (row,) = _run(constructed, [(index / 20, 1 - index / 15) for index in range(12)], kind="random").rows
    assert not row["gateable"]
    assert "nothing follows for trained ones" in row["sentence"]


def test_too_few_candidates_are_refused_in_a_sentence(constructed) -> None:
    found = _run(constructed, [(index / 20, 1 - index / 15) for index in range(LEAST_CANDIDATES - 1)])
    assert found.rows[0].get("correlation") is None
    assert found.finding == (
        "No metric is judged: at most 7 candidates have both a cheap number and a reconstruction; 8 are needed."
    )


def test_a_metric_that_is_the_same_for_all_is_said(constructed) -> None:
    (row,) = _run(constructed, [(0.5, index / 15) for index in range(12)]).rows
    assert row["sentence"].startswith("one of the two is the same for every candidate")


def test_a_number_whose_control_failed_and_a_control_itself_are_left_out(constructed) -> None:
    pairs = [(index / 20, 1 - index / 15) for index in range(9)]
    constructed.add("oracle@mask/identity/single/linear", 1.0, role="ceiling")
    constructed.add("broken@last/identity/single/linear", 0.0, controls_ok=False)
    assert _run(constructed, pairs).rows[0]["candidates"] == 9


def test_a_run_without_reconstructions_concludes_nothing(constructed) -> None:
    constructed.add("e@last/identity/single/linear", 0.5)
    assert analyse(constructed.run()) is None
