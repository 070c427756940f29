from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.judging.analyses.enhancement import analyse

PICTURES = 40
NOISE = np.random.default_rng(0).normal(0, 0.02, PICTURES)


def _add(constructed, candidate: str, mean: float, **changes) -> None:
    constructed.add(candidate, {0: list(mean + NOISE)}, **changes)


def _verdicts(constructed) -> dict[tuple[str, str], str]:
    found = analyse(constructed.run())
    return {(row["enhancer"], row["baseline"]): row["verdict"] for row in found.rows}


def test_gain_is_read_against_bilinear_and_against_a_larger_picture(constructed) -> None:
    """Chosen: sem lies 0.1 above bilinear and 0.1 below the same encoder fed a larger picture."""
    _add(constructed, "vlm@last/identity/single/linear", 0.3)
    _add(constructed, "vlm@last/bilinear/single/linear", 0.4)
    _add(constructed, "vlm@last/sem/single/linear", 0.5)
    _add(constructed, "larger2:vlm@last/identity/single/linear", 0.6)
    found = analyse(constructed.run())
    gains = {row["baseline"]: (row["gain"].value, row["verdict"]) for row in found.rows}
    assert gains == {
        "identity": (pytest.approx(0.2), "better"),
        "bilinear": (pytest.approx(0.1), "better"),
        "larger picture": (pytest.approx(-0.1), "worse"),
    }
    told = ("better than bilinear in 1 of 1 comparisons", "better than a larger picture in 0 of 1 comparisons")
    assert found.finding == f"Enhancers are {' and '.join(told)}."


def test_gain_is_positive_where_lower_is_better_too(constructed) -> None:
    _add(constructed, "vlm@last/bilinear/single/linear", 0.4, metric="centre_error", direction="lower")
    _add(constructed, "vlm@last/sem/single/linear", 0.3, metric="centre_error", direction="lower")
    assert _verdicts(constructed) == {("sem", "bilinear"): "better"}


def test_difference_within_the_noise_is_no_verdict(constructed) -> None:
    rng = np.random.default_rng(3)
    constructed.add("vlm@last/bilinear/single/linear", {0: list(0.4 + rng.normal(0, 0.2, PICTURES))})
    constructed.add("vlm@last/sem/single/linear", {0: list(0.41 + rng.normal(0, 0.2, PICTURES))})
    assert _verdicts(constructed) == {("sem", "bilinear"): "no difference shown"}


def test_baseline_of_another_stream_is_none(constructed) -> None:
    _add(constructed, "other@last/bilinear/single/linear", 0.4)
    _add(constructed, "vlm@last/sem/single/linear", 0.5)
    assert analyse(constructed.run()) is None


def test_larger_picture_behind_a_degraded_grid_is_its_baseline(constructed) -> None:
    """``larger2`` goes to the encoder that is fed pictures, inside whatever is done to its grid."""
    _add(constructed, "pooled4:vlm@last/sem/single/linear", 0.5)
    _add(constructed, "pooled4:larger2:vlm@last/identity/single/linear", 0.6)
    assert _verdicts(constructed) == {("sem", "larger picture"): "worse"}


def test_the_mean_of_four_tokens_is_the_baseline_of_what_replaces_a_merger(constructed) -> None:
    """The mean of another stream is not."""
    _add(constructed, "vlm@pre_merge/spatial_merge/single/linear", 0.5)
    _add(constructed, "pooled2:vlm@pre_merge/identity/single/linear", 0.4)
    _add(constructed, "pooled2:vlm@block.01/identity/single/linear", 0.6)
    assert _verdicts(constructed) == {("spatial_merge", "2x2 mean"): "better"}
