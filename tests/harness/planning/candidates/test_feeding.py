"""What an input policy comes to for the encoders of a run, and who is refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import EncoderSpec, TapSpec
from foresight_harness.planning.candidates import ResolvedCandidate, fed_px, parse_candidate, resolve
from foresight_harness.planning.candidates.feeding import input_size
from foresight_harness.planning.options.feeding import EQUAL_PIXELS, EQUAL_TOKENS, OWN, Feeding
from foresight_harness.planning.registry import Registry, own_registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The harness's own offers alone."""
    return own_registry()


@pytest.fixture
def of(registry: Registry):
    """A candidate of ``pixels`` whose spec is changed."""

    def make(name: str = "pixels", **changes: object) -> ResolvedCandidate:
        found = resolve(parse_candidate("pixels@patch/identity/single/linear"), registry)
        spec: EncoderSpec = replace(found.streams[0].encoder, name=name, **changes)  # type: ignore[arg-type]
        return replace(found, streams=(replace(found.streams[0], encoder=spec),))

    return make


MERGED = (TapSpec("patch", 588, 14), TapSpec("merged", 588, 28))


def test_each_its_own_size_comes_to_no_common_one(of) -> None:
    assert input_size([of(), of(fixed_input=True, input_px=336)], OWN, 448) is None


@pytest.mark.parametrize(("picture_px", "side"), [(None, 224), (448, 448)])
def test_equal_pixels_are_the_run_s_else_the_usual_side(of, picture_px: int | None, side: int) -> None:
    assert input_size([of()], EQUAL_PIXELS, picture_px) == side


def test_an_encoder_of_one_size_sets_it_for_all_others(of) -> None:
    both = [of(), of("clip", fixed_input=True, input_px=336)]
    assert input_size(both, EQUAL_PIXELS, None) == 336
    assert input_size(both, EQUAL_TOKENS, None) == 24


def test_encoders_of_unequal_fixed_sizes_are_refused_by_name(of) -> None:
    fixed = [of("sam", fixed_input=True, input_px=1022), of("clip", fixed_input=True, input_px=336)]
    with pytest.raises(UsageError) as error:
        input_size(fixed, EQUAL_PIXELS, None)
    assert str(error.value) == (
        "--input equal-pixels: sam takes 1022 px only and clip takes 336 px only; score them in runs of their own, or "
        "with --input own"
    )


def test_a_side_that_an_encoder_cannot_be_fed_is_refused_by_name(of) -> None:
    with pytest.raises(UsageError) as error:
        input_size([of("clip", fixed_input=True, input_px=336)], EQUAL_PIXELS, 448)
    assert "at 448 px: clip takes 336 px only; leave it out, give --picture-px 336, or use --input own" in str(
        error.value
    )
    assert "\n" not in str(error.value)


def test_a_view_of_a_model_sets_nothing_for_the_others(of) -> None:
    tiles = of("clip:hires", fixed_input=True, input_px=672, view_of="clip")
    assert input_size([tiles, of("clip", fixed_input=True, input_px=336)], EQUAL_PIXELS, None) == 336


def test_equal_tokens_hold_at_the_coarsest_tap_whatever_the_strides(registry: Registry, of) -> None:
    feeding = Feeding(EQUAL_TOKENS, input_size([of()], EQUAL_TOKENS, None))
    for spec in (of().streams[0].encoder, of(taps=MERGED).streams[0].encoder):
        side = fed_px((spec,), feeding)
        assert side is not None
        assert max(spec.taps, key=lambda tap: tap.stride_px).cells(side) == 16
    margin = of(taps=(TapSpec("windows", 64, 16, margin_px=3),)).streams[0].encoder
    assert margin.taps[0].cells(fed_px((margin,), feeding) or 0) == 16


def test_tokens_are_counted_for_each_stream_under_the_run_s_input(registry: Registry) -> None:
    found = resolve(parse_candidate("pixels@patch+larger2:pixels@patch/identity/concat/linear"), registry)
    assert found.tokens() == (256, 1024)
    assert found.tokens(Feeding(EQUAL_PIXELS, 112)) == (64, 256)
