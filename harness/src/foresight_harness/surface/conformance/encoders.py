"""The conformance kit for encoders: a plugin subclasses it in a test file and sets ``plugin``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from math import ceil
from typing import Any, ClassVar

from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec
from foresight_harness.surface.conformance import admitting, impulse
from foresight_harness.surface.conformance import encoder_checks as checks
from foresight_harness.surface.conformance import encoder_facts as facts
from foresight_harness.surface.conformance.kit import ConformanceKit
from foresight_harness.surface.conformance.speaking import LookedAt


class EncoderConformance(ConformanceKit):
    """Every contract of an encoder, for every encoder of size ``tiny`` that a plugin offers, at every tap.

    Example:
        class TestDinov2(EncoderConformance):
            plugin = "dinov2"
    """

    hook = "foresight_encoders"
    encoders: ClassVar[tuple[str, ...]] = ()
    """Names to check; empty means every encoder of size ``tiny``."""
    sizes: ClassVar[tuple[tuple[int, int], ...]] = impulse.SIZES
    """Rows and columns of the impulse pictures, in pixels."""
    tolerance_cells: ClassVar[Mapping[str, int]] = {}
    """Tap pattern to cells by which an impulse may be found off, for taps that the spec's own ``tolerance_cells`` does
    not hold for. One cell is granted where a convolution of odd width is wider than its stride."""
    order_aware_taps: ClassVar[tuple[str, ...]] = ()
    """Patterns of taps that see the order of frames (``llm.*``); all others must not."""
    indexed_taps: ClassVar[tuple[str, ...]] = ("block",)
    """Prefixes of taps whose number is the number of a block, counted from 0."""
    counted_taps: ClassVar[tuple[str, ...]] = ()
    """Prefixes of taps whose number says how many blocks ran (``llm``: ``llm.14`` is behind the 14th)."""
    aliases: ClassVar[Mapping[str, str]] = {}
    """Second name of a tap to its first, where one place has two: ``{"pre_merge": "block.31"}``."""
    request: ClassVar[BuildRequest] = BuildRequest()

    _built: ClassVar[dict[str, Encoder]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._built = {}

    @classmethod
    def checked(cls) -> list[EncoderSpec]:
        """The encoders that are built and checked."""
        return cls.chosen(cls.encoders, lambda spec: spec.size == "tiny", "encoder")

    @classmethod
    def tolerance(cls, spec: EncoderSpec, tap: str) -> int:
        """Cells by which an impulse may be found off at a tap: what the kit says of it, else what the spec declares."""
        said = [cells for pattern, cells in cls.tolerance_cells.items() if fnmatchcase(tap, pattern)]
        return max(said) if said else ceil(spec.tolerance_cells)

    @classmethod
    def teardown_class(cls) -> None:
        """Free the encoders."""
        super().teardown_class()
        cls._built.clear()

    @classmethod
    def parametrizations(cls) -> dict[str, list[tuple[str, Any]]]:
        """``spec``: every checked encoder; ``place``: every tap of each; ``seen``: those that are not predicted."""
        specs = [replace(spec, build=_looked_at(spec.build)) for spec in cls.checked()]
        places = [(f"{spec.name}@{tap.name}", (spec, tap.name), tap.predicted) for spec in specs for tap in spec.taps]
        return {
            "spec": [(spec.name, spec) for spec in specs],
            "place": [(name, place) for name, place, _ in places],
            "seen": [(name, place) for name, place, predicted in places if not predicted],
        }

    def build(self, spec: EncoderSpec) -> Encoder:
        """The encoder, built once for the class."""
        if spec.name not in self._built:
            self._built[spec.name] = spec.build(self.request)
        return self._built[spec.name]

    def test_offer_is_complete(self) -> None:
        facts.check_offer(self.offered())

    def test_facts_and_parameters_are_the_declared_ones(self, spec: EncoderSpec) -> None:
        facts.check_facts(self.build(spec), spec, self.request)

    def test_width_stride_and_count_are_the_declared_ones(self, spec: EncoderSpec) -> None:
        facts.check_taps(self.build(spec), spec)

    def test_declared_mean_and_std_are_used(self, spec: EncoderSpec) -> None:
        facts.check_pixels(self.build(spec), spec)

    def test_another_input_size_is_honoured_or_refused(self, spec: EncoderSpec) -> None:
        facts.check_input_size(spec, self.request)

    def test_an_impulse_is_found_where_it_was_made(self, seen: tuple[EncoderSpec, str]) -> None:
        spec, tap = seen
        impulse.check_impulse(self.build(spec), tap, sizes=self.sizes, tolerance_cells=self.tolerance(spec, tap))

    def test_an_impulse_is_found_in_its_own_frame(self, place: tuple[EncoderSpec, str]) -> None:
        spec, tap = place
        stride = spec.tap(tap).stride_frames
        impulse.check_impulse_in_time(self.build(spec), tap, stride_frames=stride, size=checks.SIZE)

    def test_features_are_finite_and_differ_between_taps(self, spec: EncoderSpec) -> None:
        checks.check_finite(self.build(spec), spec, self.aliases)

    def test_every_token_sees_the_picture(self, spec: EncoderSpec) -> None:
        checks.check_every_token_sees_the_picture(self.build(spec), spec)

    def test_a_run_would_admit_it(self, spec: EncoderSpec) -> None:
        admitting.check_admitted(self.build(spec), spec, self.request)

    def test_pictures_without_colour_and_plain_ones_are_read(self, spec: EncoderSpec) -> None:
        admitting.check_grey_and_plain(self.build(spec), spec)

    def test_features_are_computed_and_not_looked_up(self, spec: EncoderSpec) -> None:
        admitting.check_nothing_is_looked_up(self.build(spec), spec, self.request)

    def test_the_model_is_in_evaluation_mode(self, spec: EncoderSpec) -> None:
        admitting.check_evaluation_mode(self.build(spec), spec)

    def test_norms_are_the_declared_ones(self, spec: EncoderSpec) -> None:
        checks.check_norms(self.build(spec), spec)

    def test_one_by_one_equals_a_batch(self, spec: EncoderSpec) -> None:
        checks.check_batch_invariance(self.build(spec), spec)

    def test_pictures_of_unequal_sizes_come_back_on_their_own_grids(self, spec: EncoderSpec) -> None:
        checks.check_unequal_sizes(spec, self.request)

    def test_one_tap_alone_equals_all_taps_and_runs_less(self, spec: EncoderSpec) -> None:
        checks.check_early_stop(self.build(spec), spec)

    def test_numbered_taps_are_the_blocks_of_that_number(self, spec: EncoderSpec) -> None:
        for prefix in self.indexed_taps:
            checks.check_block_index(self.build(spec), spec, prefix)
        for prefix in self.counted_taps:
            checks.check_block_index(self.build(spec), spec, prefix, first=1)

    def test_clips_give_a_slot_per_stride_and_frames_are_independent(self, spec: EncoderSpec) -> None:
        def ordered(tap: str) -> bool:
            return any(fnmatchcase(tap, pattern) for pattern in self.order_aware_taps)

        checks.check_frames(self.build(spec), spec, ordered)

    def test_one_seed_gives_one_model(self, spec: EncoderSpec) -> None:
        checks.check_seed(spec, self.request)

    def test_global_generators_are_neither_used_nor_moved(self, spec: EncoderSpec) -> None:
        checks.check_global_state(spec, self.request)

    def test_attention_implementations_agree(self, spec: EncoderSpec) -> None:
        checks.check_attention(spec, self.request)

    def test_bfloat16_is_close_to_float32(self, spec: EncoderSpec) -> None:
        checks.check_bfloat16(spec, self.request)


def _looked_at(build: Callable[[BuildRequest], Encoder]) -> Callable[[BuildRequest], Encoder]:
    """The same, of an encoder whose answers are looked at as a run does."""
    return lambda request: LookedAt(build(request))
