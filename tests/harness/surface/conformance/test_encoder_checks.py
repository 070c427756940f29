from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.contracts.errors import GridError
from foresight_harness.grids import TokenGrid
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.protocols import Encoder
from foresight_harness.surface.conformance import admitting, encoder_checks, encoder_facts, impulse
from foresight_harness.surface.conformance.speaking import LookedAt
from foresight_harness.testing import ConformanceError
from torch import Tensor

MakeSpec = Callable[..., EncoderSpec]
Check = Callable[[EncoderSpec], None]
REQUEST = BuildRequest()


def _impulse_everywhere(spec: EncoderSpec) -> None:
    encoder = spec.build(REQUEST)
    for tap in spec.taps:
        impulse.check_impulse(encoder, tap.name)


def _impulse_in_time(spec: EncoderSpec) -> None:
    for tap in spec.taps:
        impulse.check_impulse_in_time(spec.build(REQUEST), tap.name, stride_frames=1, size=(56, 84))


CHECKS: dict[str, Check] = {
    "impulse": _impulse_everywhere,
    "impulse_in_time": _impulse_in_time,
    "facts": lambda spec: encoder_facts.check_facts(spec.build(REQUEST), spec, REQUEST),
    "taps": lambda spec: encoder_facts.check_taps(spec.build(REQUEST), spec),
    "pixels": lambda spec: encoder_facts.check_pixels(spec.build(REQUEST), spec),
    "input_size": lambda spec: encoder_facts.check_input_size(spec, REQUEST),
    "finite": lambda spec: encoder_checks.check_finite(spec.build(REQUEST), spec),
    "every_token": lambda spec: encoder_checks.check_every_token_sees_the_picture(spec.build(REQUEST), spec),
    "admitted": lambda spec: admitting.check_admitted(spec.build(REQUEST), spec, REQUEST),
    "grey": lambda spec: admitting.check_grey_and_plain(spec.build(REQUEST), spec),
    "looked_up": lambda spec: admitting.check_nothing_is_looked_up(spec.build(REQUEST), spec, REQUEST),
    "evaluation_mode": lambda spec: admitting.check_evaluation_mode(spec.build(REQUEST), spec),
    "norms": lambda spec: encoder_checks.check_norms(spec.build(REQUEST), spec),
    "batch": lambda spec: encoder_checks.check_batch_invariance(spec.build(REQUEST), spec),
    "unequal_sizes": lambda spec: encoder_checks.check_unequal_sizes(spec, REQUEST),
    "early_stop": lambda spec: encoder_checks.check_early_stop(spec.build(REQUEST), spec),
    "block_index": lambda spec: encoder_checks.check_block_index(spec.build(REQUEST), spec),
    "frames": lambda spec: encoder_checks.check_frames(spec.build(REQUEST), spec, lambda tap: False),
    "seed": lambda spec: encoder_checks.check_seed(spec, REQUEST),
    "global_state": lambda spec: encoder_checks.check_global_state(spec, REQUEST),
    "attention": lambda spec: encoder_checks.check_attention(spec, REQUEST),
    "bfloat16": lambda spec: encoder_checks.check_bfloat16(spec, REQUEST),
}

CAUGHT = [
    ("impulse", "window_order"),
    ("impulse", "swapped"),
    ("impulse", "transposed"),
    ("impulse", "prefix_kept"),
    ("impulse", "row_shift"),
    ("impulse", "crop"),
    ("impulse", "swapped_on_square"),
    ("impulse_in_time", "reversed_frames"),
    ("admitted", "swapped_on_square"),
    ("admitted", "zero_on_grey"),
    ("admitted", "looked_up"),
    ("admitted", "training"),
    ("grey", "zero_on_grey"),
    ("looked_up", "looked_up"),
    ("evaluation_mode", "training"),
    ("batch", "training"),
    ("facts", "wrong_params"),
    ("pixels", "wrong_mean"),
    ("pixels", "wrong_std"),
    ("pixels", "bgr"),
    ("input_size", "ignores_input_px"),
    ("finite", "nan"),
    ("finite", "no_norm"),
    ("every_token", "prefix_kept"),
    ("norms", "no_norm"),
    ("batch", "batch_dependence"),
    ("batch", "noise"),
    ("unequal_sizes", "remembers_grid"),
    ("unequal_sizes", "remembers_size"),
    ("early_stop", "always_full"),
    ("block_index", "off_by_one"),
    ("frames", "frames_mixed"),
    ("frames", "noise"),
    ("seed", "unseeded"),
    ("seed", "one_seed"),
    ("global_state", "seeds_globally"),
    ("global_state", "unseeded"),
    ("global_state", "moves_generator"),
    ("global_state", "noise"),
    ("attention", "wrong_attention"),
    ("attention", "eager_differs"),
    ("bfloat16", "wrong_dtype"),
]


@pytest.mark.parametrize("check", list(CHECKS))
def test_an_honest_encoder_passes_every_check(check: str, make_spec: MakeSpec) -> None:
    assert CHECKS[check](make_spec()) is None


@pytest.mark.parametrize(("check", "fault"), CAUGHT)
def test_a_planted_fault_is_caught_by_its_check(check: str, fault: str, make_spec: MakeSpec) -> None:
    with pytest.raises(ConformanceError) as caught:
        CHECKS[check](make_spec(fault))
    assert "\n" not in str(caught.value)


def test_every_check_has_a_fault_that_it_catches() -> None:
    # A wrong width or stride is planted in the spec, not in the encoder: see below.
    assert set(CHECKS) == {check for check, _ in CAUGHT} | {"taps"}


@pytest.mark.parametrize("change", [{"width": 33}, {"stride_px": 16}, {"stride_px": 7}])
def test_a_wrong_width_or_stride_is_caught(change: dict[str, Any], make_spec: MakeSpec) -> None:
    spec = make_spec()
    spec = replace(spec, taps=(replace(spec.taps[0], **change), *spec.taps[1:]))
    with pytest.raises(ConformanceError, match="patch_embed"):
        CHECKS["taps"](spec)


def test_a_wrong_frame_stride_is_caught(make_spec: MakeSpec) -> None:
    spec = make_spec()
    spec = replace(spec, taps=(*spec.taps[:-1], replace(spec.taps[-1], stride_frames=2)))
    with pytest.raises(ConformanceError, match="slots"):
        CHECKS["frames"](spec)


def test_a_norm_that_is_applied_silently_is_caught(make_spec: MakeSpec) -> None:
    spec = make_spec()
    spec = replace(spec, taps=(*spec.taps[:-1], replace(spec.taps[-1], normed=False)))
    with pytest.raises(ConformanceError, match="features are normed"):
        CHECKS["norms"](spec)


def test_preprocessing_without_mean_is_caught(make_spec: MakeSpec) -> None:
    with pytest.raises(ConformanceError, match="declares no mean"):
        CHECKS["pixels"](make_spec(preprocessing={"std": (0.5, 0.5, 0.5)}))


def test_a_size_that_is_refused_in_one_line_passes_where_that_is_declared(make_spec: MakeSpec) -> None:
    assert CHECKS["input_size"](make_spec("fixed_size", fixed_input=True)) is None
    with pytest.raises(ConformanceError, match="fixed_input is not declared"):
        CHECKS["input_size"](make_spec("fixed_size"))
    with pytest.raises(ConformanceError, match="fixed_input is declared"):
        CHECKS["input_size"](make_spec(fixed_input=True))


def test_taps_in_the_wrong_order_are_caught(make_spec: MakeSpec) -> None:
    spec = make_spec()
    with pytest.raises(ConformanceError, match="shallow to deep"):
        CHECKS["early_stop"](replace(spec, taps=spec.taps[::-1]))


def _two_names(spec: EncoderSpec, first: str, second: str) -> EncoderSpec:
    """The spec with a second tap that reads what the first reads, under the second one's name."""
    names = {second: first}

    class Renamed:
        def __init__(self, encoder: Encoder) -> None:
            self.facts = encoder.facts
            self.encoder = encoder

        def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
            read = self.encoder.encode(clips, [names.get(tap, tap) for tap in taps])
            return {tap: read[names.get(tap, tap)] for tap in taps}

    taps = (*spec.taps, replace(spec.tap(first), name=second))
    return replace(spec, build=lambda request: Renamed(spec.build(request)), taps=taps)


def test_two_names_of_one_tap_pass_only_where_declared(make_spec: MakeSpec) -> None:
    spec = _two_names(make_spec(), "block.02", "pre_merge")
    with pytest.raises(ConformanceError, match=r"pre_merge and block\.02: values are the same"):
        encoder_checks.check_finite(spec.build(REQUEST), spec)
    encoder_checks.check_finite(spec.build(REQUEST), spec, {"pre_merge": "block.02"})


def test_a_declared_second_name_that_reads_another_tap_is_caught(make_spec: MakeSpec) -> None:
    spec = _two_names(make_spec(), "block.01", "pre_merge")
    spec = replace(spec, taps=tuple(tap for tap in spec.taps if tap.name != "block.01"))
    with pytest.raises(ConformanceError, match="declared as one tap"):
        encoder_checks.check_finite(spec.build(REQUEST), spec, {"pre_merge": "block.02"})


def test_taps_may_count_the_blocks_that_ran(make_spec: MakeSpec) -> None:
    counted = _two_names(make_spec(), "block.01", "llm.02")
    encoder_checks.check_block_index(counted.build(REQUEST), counted, "llm", first=1)
    with pytest.raises(ConformanceError, match=r"llm\.02"):
        encoder_checks.check_block_index(counted.build(REQUEST), counted, "llm", first=0)


def test_training_mode_is_named_with_what_to_do(make_spec: MakeSpec) -> None:
    for check in ("evaluation_mode", "batch"):
        with pytest.raises(ConformanceError, match=r"eval\(\) on the model in build"):
            CHECKS[check](make_spec("training"))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raw_tensors", r"tap 'last' is a tensor \(1, 1, 6, 6, 32\) float32; a mapping of tap to TokenGrid is wanted"),
        ("list", r"encode returned a list of 1, the first a tensor \(1, 1, 6, 6, 32\) float32; a mapping of tap"),
    ],
)
def test_what_came_back_is_told_by_its_shape_and_never_by_its_values(
    fault: str, said: str, make_spec: MakeSpec
) -> None:
    clips = random_clips((84, 84))
    with pytest.raises(GridError, match=said) as caught:
        LookedAt(make_spec(fault).build(REQUEST)).encode(clips, ["last"])
    assert len(str(caught.value)) < 200
