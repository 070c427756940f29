"""Which side each encoder of a run is fed, under the run's input policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import EncoderSpec, TapSpec
from foresight_harness.planning.candidates.resolve import ResolvedCandidate
from foresight_harness.planning.options.feeding import EQUAL_CELLS, EQUAL_PIXELS, EQUAL_PX, EQUAL_TOKENS, OWN


def coarsest(spec: EncoderSpec) -> TapSpec:
    """The tap of fewest tokens: what merging leaves, and a language model is given."""
    return max(spec.taps, key=lambda tap: tap.stride_px)


def input_size(candidates: Iterable[ResolvedCandidate], policy: str, picture_px: int | None) -> int | None:
    """What a policy comes to for these candidates: the side in pixels, or the tokens along a side.

    Encoders of one size set it for all others; where there is none it is ``picture_px``, else 224 px or 16 tokens. A
    view of a model (``NAME:hires``) reads what it is made to read, beside that.

    Raises:
        UsageError: in one line that names the encoders that cannot be fed equally, and what to do.
    """
    if policy == OWN:
        return None
    if policy == EQUAL_PIXELS:
        fixed = _fixed(candidates, lambda spec: spec.input_px)
        return _agreed(policy, "px", fixed, picture_px, EQUAL_PX, "--picture-px")
    fixed = _fixed(candidates, lambda spec: coarsest(spec).cells(spec.input_px))
    return _agreed(EQUAL_TOKENS, "tokens a side", fixed, None, EQUAL_CELLS, None)


def _fixed(candidates: Iterable[ResolvedCandidate], size_of: Callable[[EncoderSpec], int]) -> dict[str, int]:
    """Sizes of the encoders that cannot be fed otherwise, by name."""
    fed = {spec.name: spec for each in candidates for stream in each.streams for spec in stream.run[-1:]}
    return {name: size_of(spec) for name, spec in fed.items() if spec.fixed_input and spec.view_of is None}


def _agreed(
    policy: str, unit: str, fixed: Mapping[str, int], asked: int | None, otherwise: int, option: str | None
) -> int:
    sizes: Sequence[int] = sorted(set(fixed.values()))
    if len(sizes) > 1:
        said = " and ".join(f"{name} takes {fixed[name]} {unit} only" for name in _one_each(fixed))
        raise UsageError(f"--input {policy}: {said}; score them in runs of their own, or with --input own")
    if not sizes:
        return otherwise if asked is None else asked
    if asked not in (None, sizes[0]):
        name = next(iter(fixed))
        raise UsageError(
            f"--input {policy} at {asked} {unit}: {name} takes {sizes[0]} {unit} only; leave it out, give "
            f"{option} {sizes[0]}, or use --input own"
        )
    return sizes[0]


def _one_each(fixed: Mapping[str, int]) -> list[str]:
    """The first encoder of each size."""
    found: dict[int, str] = {}
    for name, size in fixed.items():
        found.setdefault(size, name)
    return list(found.values())
