"""What a cell's protocol says of the pictures that encoders were fed."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.specs import EncoderSpec

pytestmark = pytest.mark.usefixtures("few_pictures")
NAME = "pixels@patch/identity/single/linear"


def test_a_policy_stands_in_the_protocol_and_none_in_that_of_a_run_without(make_keeper, make_cell) -> None:
    plain = make_cell(make_keeper(), NAME, "spatial")
    own = make_cell(make_keeper(input="own"), NAME, "spatial")
    equal = make_cell(make_keeper(input="equal-pixels", input_size=112), NAME, "spatial")
    assert not {"input", "input_size"} & plain.protocol().keys()
    assert own.protocol_digest() == plain.protocol_digest()
    assert (equal.protocol()["input"], equal.protocol()["input_size"]) == ("equal-pixels", 112)
    assert equal.protocol_digest() != plain.protocol_digest()


def test_encoders_are_built_for_the_side_that_the_policy_comes_to(make_keeper, builtins) -> None:
    spec: EncoderSpec = builtins.encoder("pixels")
    asked = {
        policy: make_keeper(input=policy, input_size=size).workshop.encoder_request(spec).input_px
        for policy, size in (("own", None), ("equal-pixels", 120), ("equal-tokens", 10))
    }
    assert asked == {"own": None, "equal-pixels": 112, "equal-tokens": 140}


def test_records_name_the_tokens_of_each_stream(make_keeper, builtins, planned) -> None:
    keeper = make_keeper(input="equal-tokens", input_size=8)
    keeper.plan([cell := planned(builtins, NAME, "spatial")])
    keeper.run_cell(cell)
    assert {record.tokens for record in keeper.folder.records()} == {(64,)}
