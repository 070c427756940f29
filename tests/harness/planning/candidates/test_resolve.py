from __future__ import annotations

from dataclasses import replace

import pytest
from foresight_harness.contracts.errors import CandidateError, UnknownPartError
from foresight_harness.planning.candidates import fed_px, parse_candidate, resolve
from foresight_harness.planning.options.feeding import Feeding
from foresight_harness.planning.registry import Registry, own_registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The harness's own offers alone."""
    return own_registry()


def test_default_tap_is_written_out(registry: Registry) -> None:
    assert str(resolve(parse_candidate("pixels/identity/single/linear"), registry)) == (
        "pixels@patch/identity/single/linear"
    )


def test_conditioning_shape_is_known_before_any_work(registry: Registry) -> None:
    shape = resolve(parse_candidate("pixels@patch+oracle@mask/bilinear/concat/linear"), registry).conditioning_shape()
    assert (shape.rows, shape.cols, shape.width) == (32, 32, 3 * 14**2 + 1)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("pixel@patch/identity/single/linear", "did you mean pixels"),
        ("pixels@patch/bilinaer/single/linear", "did you mean bilinear"),
        ("pixels@patch/identity/sinlge/linear", "did you mean single"),
        ("pixels@patch/identity/single/liner", "did you mean linear"),
    ],
)
def test_unknown_part_is_one_line_with_the_nearest_name(registry: Registry, text: str, hint: str) -> None:
    with pytest.raises(UnknownPartError) as error:
        resolve(parse_candidate(text), registry)
    assert hint in str(error.value)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_tap_names_those_there_are(registry: Registry) -> None:
    with pytest.raises(CandidateError, match=r"no tap 'last'; there are patch"):
        resolve(parse_candidate("pixels@last/identity/single/linear"), registry)


def test_two_streams_into_single_are_refused_at_plan_time(registry: Registry) -> None:
    with pytest.raises(CandidateError, match="'single' takes exactly 1 stream, got 2"):
        resolve(parse_candidate("pixels@patch+oracle@mask/identity/single/linear"), registry)


def test_shuffled_of_another_encoder_takes_its_taps(registry: Registry) -> None:
    spec = registry.encoder("shuffled:pixels")
    assert (spec.derives_from, spec.taps, spec.role) == ("pixels", registry.encoder("pixels").taps, "floor")


def test_argument_of_an_encoder_that_is_no_family_is_refused(registry: Registry) -> None:
    with pytest.raises(CandidateError, match="'pixels' takes no argument"):
        registry.encoder("pixels:oracle")


@pytest.mark.parametrize(("name", "side"), [("pixels", 336), ("larger2:pixels", 672), ("pooled4:pixels", None)])
def test_encoder_is_fed_the_asked_side_down_to_whole_tokens(registry: Registry, name: str, side: int | None) -> None:
    """336 is 24 patches of 14 px; 340 leaves 4 px over. A transform of grids is fed no picture."""
    for asked in (336, 340):
        assert fed_px(registry.lineage(name), Feeding(size=asked)) == side
    assert fed_px(registry.lineage(name), Feeding()) is None


def test_encoder_of_one_size_keeps_it(registry: Registry) -> None:
    assert fed_px((replace(registry.encoder("pixels"), fixed_input=True),), Feeding(size=336)) is None


def test_planned_shape_follows_the_asked_side(registry: Registry) -> None:
    (stream,) = resolve(parse_candidate("pooled4:pixels@patch/identity/single/linear"), registry).streams
    assert (stream.shape().rows, stream.shape(Feeding(size=336)).rows) == (4, 6)


def test_a_family_that_means_nothing_alone_says_how_to_write_it(registry: Registry) -> None:
    with pytest.raises(CandidateError, match="encoder 'random' is a family: write random:ENCODER"):
        resolve(parse_candidate("random/identity/single/linear"), registry)


def test_controls_have_the_role_that_is_known_of_them(registry: Registry) -> None:
    tail = "identity/single/linear"
    named = [name for name in registry.encoders if name != "random"]
    roles = {name: resolve(parse_candidate(f"{name}/{tail}"), registry).role for name in named}
    assert roles.pop("oracle") == "ceiling"
    assert {"constant", "pixels", "shuffled", "window_order"} <= set(roles)
    assert set(roles.values()) == {"floor"}


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (("candidate", "floor"), "candidate"),
        (("floor", "floor"), "floor"),
        (("candidate", "ceiling"), "ceiling"),
        (("twin", "floor"), "twin"),
    ],
)
def test_a_control_beside_an_encoder_makes_no_control_of_it(registry: Registry, roles, role: str) -> None:
    """Raw pixels tell nothing of the answer; what knows it, or is untrained, is never a part of a candidate."""
    found = resolve(parse_candidate("pixels@patch+constant@patch/identity/concat/linear"), registry)
    streams = [
        replace(stream, encoder=replace(stream.encoder, role=own))
        for stream, own in zip(found.streams, roles, strict=True)
    ]
    assert replace(found, streams=tuple(streams)).role == role
