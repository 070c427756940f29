from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.planning.candidates import parse_candidate

WHOLE = "qwen2_5_vl_7b@post_merge+dinov2_giant@last/sem/qformer/ltx_video"


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "dinov2_tiny@multi_scale(block.00,block.02)/identity/single/linear",
        "timm:vit_b.x@last/identity/single/conv",
    ],
)
def test_candidate_prints_as_it_was_written(text: str) -> None:
    assert str(parse_candidate(text)) == text


def test_candidate_knows_its_streams_and_parts() -> None:
    candidate = parse_candidate(WHOLE)
    assert candidate.encoders == ("qwen2_5_vl_7b", "dinov2_giant")
    assert (candidate.enhancer, candidate.fusion, candidate.decoder) == ("sem", "qformer", "ltx_video")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dinov2@last/identity/linear", "3 parts"),
        ("dinov2@/identity/single/linear", "'dinov2@' is no stream"),
        ("a@concat()/identity/single/linear", "names no tap"),
        ("a@b/iden tity/single/linear", "no enhancer name"),
    ],
)
def test_bad_candidate_is_one_line_that_names_the_part(text: str, found: str) -> None:
    with pytest.raises(CandidateError) as error:
        parse_candidate(text)
    assert found in str(error.value)
    assert "\n" not in str(error.value)
