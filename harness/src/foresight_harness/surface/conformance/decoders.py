"""The conformance kit for decoders."""

from __future__ import annotations

from typing import Any, ClassVar

from foresight_harness.contracts.protocols import Decoder
from foresight_harness.contracts.specs import BuildRequest, DecoderSpec
from foresight_harness.surface.conformance import decoder_checks as checks
from foresight_harness.surface.conformance.kit import ConformanceKit


class DecoderConformance(ConformanceKit):
    """Every contract of a decoder, for every decoder of size ``tiny`` that a plugin offers."""

    hook = "foresight_decoders"
    decoders: ClassVar[tuple[str, ...]] = ()
    """Names to check; empty means every decoder of size ``tiny``."""
    request: ClassVar[BuildRequest] = BuildRequest()
    tolerance_cells: ClassVar[int] = 0
    """Latent cells by which an impulse may be found off."""
    _built: ClassVar[dict[str, Decoder]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._built = {}

    @classmethod
    def parametrizations(cls) -> dict[str, list[tuple[str, Any]]]:
        """``spec``: every checked decoder."""
        specs = cls.chosen(cls.decoders, lambda spec: spec.size == "tiny", "decoder")
        return {"spec": [(spec.name, spec) for spec in specs]}

    @classmethod
    def teardown_class(cls) -> None:
        """Free the decoders."""
        super().teardown_class()
        cls._built.clear()

    def build(self, spec: DecoderSpec) -> Decoder:
        """The decoder, built once for the class."""
        if spec.name not in self._built:
            self._built[spec.name] = spec.build(self.request)
        return self._built[spec.name]

    def test_latent_space_and_range_are_the_declared_ones(self, spec: DecoderSpec) -> None:
        checks.check_latent_space(self.build(spec), spec)

    def test_an_illegal_size_is_refused(self, spec: DecoderSpec) -> None:
        checks.check_illegal_size(self.build(spec), spec)

    def test_a_place_stays_that_place(self, spec: DecoderSpec) -> None:
        checks.check_places(self.build(spec), spec, tolerance_cells=self.tolerance_cells)

    def test_one_by_one_equals_a_batch(self, spec: DecoderSpec) -> None:
        checks.check_batch_invariance(self.build(spec), spec)

    def test_one_seed_gives_one_decoder(self, spec: DecoderSpec) -> None:
        checks.check_seed(spec, self.request)

    def test_facts_and_parameters_are_the_declared_ones(self, spec: DecoderSpec) -> None:
        checks.check_facts(self.build(spec), spec, self.request)
