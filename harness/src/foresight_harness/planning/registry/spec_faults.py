"""What a spec must say to be loaded: a slip in it is one failing test of its plugin, not a strange error in a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from foresight_harness.contracts.specs import DatasetSpec, DecoderSpec, EncoderSpec, MetricSpec
from foresight_harness.contracts.specs.models import Role

NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
SIZES = ("tiny", "published")
INPUTS = ("clips", "masks", "grids")
LABELS = ("boxes", "masks", "motion")
COMPARED = ("boxes", "pictures", "objects", "distributions")
DIRECTIONS = ("higher", "lower")


def spec_fault(spec: Any) -> str | None:
    """What is wrong with a spec, in one line; None where it can be loaded."""
    if not isinstance(spec.name, str) or NAME.fullmatch(spec.name) is None:
        return f"name {spec.name!r:.60}: lower_snake_case is wanted, such as mine_tiny"
    look = FAULTS.get(type(spec))
    return next(look(spec), None) if look is not None else None


def _of_encoder(spec: EncoderSpec) -> Iterator[str]:
    if spec.derive is not None and not spec.taps:
        return  # a family without a bare meaning: what it derives is checked by what it derives from
    taps = [tap.name for tap in spec.taps]
    if not taps:
        yield "no taps: declare at least one TapSpec"
    if len(set(taps)) < len(taps):
        yield f"taps {taps} are not unique"
    if spec.default_tap not in taps:
        yield f"default_tap {spec.default_tap!r} is none of its taps {taps}"
    for tap in spec.taps:
        if min(tap.width, tap.stride_px, tap.stride_frames) < 1:
            yield f"tap {tap.name}: width, stride_px and stride_frames are at least 1"
    yield from _one_of("inputs", spec.inputs, INPUTS)
    yield from _one_of("role", spec.role, get_args(Role))
    if not isinstance(spec.input_px, int) or spec.input_px < 1:
        yield f"input_px {spec.input_px!r}: a side in pixels is wanted"
    if spec.tolerance_cells < 0:
        yield f"tolerance_cells {spec.tolerance_cells!r}: 0 or more is wanted"
    yield from _of_weights(spec)


def _of_weights(spec: EncoderSpec | DecoderSpec) -> Iterator[str]:
    yield from _one_of("size", spec.size, SIZES)
    if spec.params is not None and (not isinstance(spec.params, int) or spec.params < 0):
        yield f"params {spec.params!r}: a count, or None where it is not known"
    if spec.license is not None and not (isinstance(spec.license, str) and spec.license.strip()):
        yield f"license {spec.license!r}: the licence of the weights as text, or None"
    if spec.repo is not None and spec.license is None:
        yield f"weights of {spec.repo} are on offer without a licence: state license"
    if not spec.weights:
        yield "no weights on offer: random at least"


def _of_dataset(spec: DatasetSpec) -> Iterator[str]:
    for label in sorted(spec.labels):
        yield from _one_of("labels", label, LABELS)


def _of_metric(spec: MetricSpec) -> Iterator[str]:
    yield from _one_of("compares", spec.compares, COMPARED)
    yield from _one_of("direction", spec.direction, DIRECTIONS)
    if not isinstance(spec.range, tuple) or len(spec.range) != 2:
        yield f"range {spec.range!r}: least and most value are wanted, None where there is no bound"
    elif None not in spec.range and not spec.range[0] < spec.range[1]:  # type: ignore[operator]
        yield f"range {spec.range!r} is empty"
    if not str(spec.unit).strip():
        yield "no unit is stated"


def _one_of(what: str, value: object, choices: tuple[str, ...]) -> Iterator[str]:
    if value not in choices:
        yield f"{what} {value!r:.60}: one of {', '.join(choices)} is wanted"


FAULTS: dict[type, Callable[[Any], Iterator[str]]] = {
    EncoderSpec: _of_encoder,
    DecoderSpec: _of_weights,
    DatasetSpec: _of_dataset,
    MetricSpec: _of_metric,
}
