"""The conformance kits for the parts between encoder and decoder: extractors, enhancers, fusions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from torch import Tensor

from foresight_harness.contracts.errors import CandidateError, PluginError
from foresight_harness.contracts.specs import EnhancerSpec, GridShape
from foresight_harness.surface.conformance import module_checks as checks
from foresight_harness.surface.conformance.kit import ConformanceKit
from foresight_harness.surface.conformance.module_checks import ModuleCase

GRIDS = (
    GridShape(rows=5, cols=7, width=64),
    GridShape(rows=6, cols=4, width=64, frames=3),
    GridShape(rows=8, cols=8, width=64),
)
"""Odd, higher than wide with several frames, and square."""

STREAMS = (
    (GridShape(rows=6, cols=8, width=64),),
    (GridShape(rows=6, cols=8, width=64), GridShape(rows=6, cols=8, width=64)),
    (GridShape(rows=6, cols=8, width=64), GridShape(rows=5, cols=7, width=48)),
    (GridShape(rows=4, cols=3, width=32, frames=2), GridShape(rows=6, cols=8, width=64, frames=2)),
    (GridShape(rows=6, cols=8, width=64), GridShape(rows=5, cols=7, width=48), GridShape(rows=3, cols=4, width=32)),
)
"""One stream, two equal ones, unequal ones, several frames, and three."""


class _ModuleKit(ConformanceKit):
    """Checks that every trained part passes, whatever it joins."""

    modules: ClassVar[tuple[str, ...]] = ()
    """Names to check; empty means every one that the plugin offers."""
    overfit: ClassVar[Mapping[str, float]] = {"steps": 30, "rate": 1e-2}
    """Steps and learning rate of the overfit check."""

    @classmethod
    def cases(cls, spec: Any) -> list[ModuleCase]:
        """The cases of one spec."""
        raise NotImplementedError

    @classmethod
    def parametrizations(cls) -> dict[str, list[tuple[str, Any]]]:
        """``case``: every module at every choice of shapes that its ``output_shape`` accepts."""
        specs = cls.chosen(cls.modules, lambda spec: True, cls.hook.removeprefix("foresight_").removesuffix("s"))
        cases = []
        for spec in specs:
            own = cls.cases(spec)
            if not own:
                raise PluginError(f"{cls.__name__}: {spec.name} accepts none of the kit's shapes; set others")
            cases += own
        return {"case": [(str(case), case) for case in cases]}

    def test_output_has_the_declared_shape(self, case: ModuleCase) -> None:
        checks.check_shape(case)

    def test_gradients_reach_every_parameter_and_every_input(self, case: ModuleCase) -> None:
        checks.check_gradients(case)

    def test_float32_and_bfloat16_agree(self, case: ModuleCase) -> None:
        checks.check_dtypes(case)

    def test_one_seed_gives_one_module(self, case: ModuleCase) -> None:
        checks.check_seed(case)

    def test_one_by_one_equals_a_batch(self, case: ModuleCase) -> None:
        checks.check_batch_split(case)

    def test_four_samples_are_learnt(self, case: ModuleCase) -> None:
        checks.check_overfit(case, steps=int(self.overfit["steps"]), rate=self.overfit["rate"])


class EnhancerConformance(_ModuleKit):
    """Every contract of an enhancer, for every enhancer that a plugin offers, at odd, tall and square grids."""

    hook = "foresight_enhancers"
    shapes: ClassVar[tuple[GridShape, ...]] = GRIDS
    tolerance_cells: ClassVar[int] = 0
    """Cells of the input by which a change may be found off in the output."""

    @classmethod
    def cases(cls, spec: EnhancerSpec) -> list[ModuleCase]:
        """One case for each shape that the enhancer accepts."""

        def call(module: Any, inputs: Sequence[Tensor]) -> Tensor:
            output: Tensor = module(*inputs)
            return output

        cases = []
        for shape in cls.shapes:
            expected = _accepted(partial(spec.output_shape, shape))
            if expected is not None:
                build = partial(spec.build, shape)
                cases.append(
                    ModuleCase(spec.name, (shape,), expected, build, call, spec.trainable, uses_image=spec.uses_image)
                )
        return cases

    def test_a_change_is_found_where_it_was_made(self, case: ModuleCase) -> None:
        checks.check_place(case, tolerance_cells=self.tolerance_cells)


class _JoiningKit(_ModuleKit):
    """Checks of parts that take several grids in one argument."""

    shapes: ClassVar[tuple[tuple[GridShape, ...], ...]] = STREAMS

    @classmethod
    def limits(cls, spec: Any) -> tuple[int, int | None]:
        """Least and most grids."""
        raise NotImplementedError

    @classmethod
    def cases(cls, spec: Any) -> list[ModuleCase]:
        """One case for each choice of shapes that the part accepts."""
        least, most = cls.limits(spec)
        cases = []
        for shapes in cls.shapes:
            if least <= len(shapes) <= (most or len(shapes)):
                expected = _accepted(partial(spec.output_shape, shapes))
                if expected is not None:
                    build = partial(spec.build, shapes)
                    cases.append(ModuleCase(spec.name, shapes, expected, build, _call_joined, spec.trainable))
        return cases


class FusionConformance(_JoiningKit):
    """Every contract of a fusion, for every fusion that a plugin offers, at one to three streams."""

    hook = "foresight_fusions"

    @classmethod
    def limits(cls, spec: Any) -> tuple[int, int | None]:
        """Least and most streams."""
        streams: tuple[int, int | None] = spec.streams
        return streams

    def test_order_of_streams_matters_where_declared(self, case: ModuleCase) -> None:
        if len(case.shapes) > 1 and len(set(case.shapes)) == 1:
            spec = {spec.name: spec for spec in self.offered()}[case.name]
            checks.check_stream_order(case, spec.order_matters)


class ExtractorConformance(_JoiningKit):
    """Every contract of an extractor, for every extractor that a plugin offers, at one to three taps of one grid."""

    hook = "foresight_extractors"
    shapes = tuple(tuple(replace(GRIDS[0]) for _ in range(taps)) for taps in (1, 2, 3))

    @classmethod
    def limits(cls, spec: Any) -> tuple[int, int | None]:
        """Least and most taps."""
        taps: tuple[int, int | None] = spec.taps
        return taps


def _accepted(shape: Callable[[], GridShape]) -> GridShape | None:
    """The declared output, or None where the part refuses these inputs."""
    try:
        return shape()
    except CandidateError:
        return None


def _call_joined(module: Any, inputs: Sequence[Tensor]) -> Tensor:
    output: Tensor = module(list(inputs))
    return output
