"""From names to specs, with every mistake found before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import (
    DecoderSpec,
    EncoderSpec,
    EnhancerSpec,
    ExtractorSpec,
    FusionSpec,
    GridShape,
)
from foresight_harness.contracts.specs.models import Role
from foresight_harness.planning.candidates.candidate import Candidate, StreamRef
from foresight_harness.planning.options.feeding import AS_EACH_SAYS, EQUAL_TOKENS, Feeding
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.registry import nearest


@dataclass(frozen=True)
class ResolvedStream:
    """A stream whose parts exist."""

    ref: StreamRef
    """With its taps written out."""
    encoder: EncoderSpec
    extractor: ExtractorSpec
    bases: tuple[EncoderSpec, ...] = ()
    """What the encoder derives from, what that derives from, and so on to the one that has the weights."""

    @property
    def lineage(self) -> tuple[EncoderSpec, ...]:
        """The encoder and its bases."""
        return (self.encoder, *self.bases)

    @property
    def run(self) -> tuple[EncoderSpec, ...]:
        """The encoders that must run: this one, those whose grids it transforms, last the one that is fed pictures."""
        fed = next(place for place, spec in enumerate(self.lineage) if spec.inputs != "grids")
        return self.lineage[: fed + 1]

    def side_px(self, feeding: Feeding = AS_EACH_SAYS) -> int:
        """Side of what is fed by a run."""
        return fed_px(self.lineage[len(self.run) - 1 :], feeding) or self.encoder.input_px

    def shape(self, feeding: Feeding = AS_EACH_SAYS) -> GridShape:
        """Expected shape on a square picture; an encoder may round otherwise, so modules are built from real grids."""
        side = self.side_px(feeding)
        return self.extractor.output_shape([_tap_shape(self.encoder, tap, side) for tap in self.ref.taps])


@dataclass(frozen=True)
class ResolvedCandidate:
    """A candidate whose parts exist and fit together."""

    candidate: Candidate
    """Canonical: every tap written out."""
    streams: tuple[ResolvedStream, ...]
    enhancer: EnhancerSpec
    fusion: FusionSpec
    decoder: DecoderSpec

    def __str__(self) -> str:
        return str(self.candidate)

    @property
    def trainable(self) -> bool:
        """Whether anything between encoder and readout has parameters to fit."""
        extractors = any(stream.extractor.trainable for stream in self.streams)
        return extractors or self.enhancer.trainable or self.fusion.trainable

    @property
    def role(self) -> Role:
        """``ceiling`` or ``twin`` where a stream is one, ``floor`` where every stream is, else ``candidate``.

        Raw pixels beside an encoder tell nothing of the answer: the two together are a pipeline like any other. A
        stream that knows the answer is never a candidate's, and one with random weights makes the whole a twin.
        """
        roles = {stream.encoder.role for stream in self.streams}
        if "ceiling" in roles or "twin" in roles:
            return "ceiling" if "ceiling" in roles else "twin"
        return "floor" if roles == {"floor"} else "candidate"

    def tokens(self, feeding: Feeding = AS_EACH_SAYS) -> tuple[int, ...]:
        """Tokens that each stream makes of a square picture, before enhancer and fusion."""
        return tuple(shape.rows * shape.cols for shape in (stream.shape(feeding) for stream in self.streams))

    def conditioning_shape(self) -> GridShape:
        """Expected shape of the conditioning grid or token set."""
        return self.fusion.output_shape([self.enhancer.output_shape(stream.shape()) for stream in self.streams])


def resolve(candidate: Candidate, registry: Registry) -> ResolvedCandidate:
    """Look up every part and check that grids fit together.

    Raises:
        CandidateError: in one line; unknown names come with the nearest known ones.
    """
    try:
        streams = tuple(_resolve_stream(ref, registry) for ref in candidate.streams)
        resolved = ResolvedCandidate(
            candidate=Candidate(
                tuple(stream.ref for stream in streams), candidate.enhancer, candidate.fusion, candidate.decoder
            ),
            streams=streams,
            enhancer=registry.enhancer(candidate.enhancer),
            fusion=registry.fusion(candidate.fusion),
            decoder=registry.decoder(candidate.decoder),
        )
        _check_count(f"fusion {candidate.fusion!r}", "stream", len(streams), resolved.fusion.streams)
        resolved.conditioning_shape()
    except CandidateError as error:
        raise type(error)(f"candidate {str(candidate)!r}: {error}") from error
    return resolved


def _resolve_stream(ref: StreamRef, registry: Registry) -> ResolvedStream:
    encoder = registry.encoder(ref.encoder)
    extractor = registry.extractor(ref.extractor)
    taps = ref.taps or (encoder.default_tap,)
    known = [tap.name for tap in encoder.taps]
    for tap in taps:
        if tap not in known:
            raise CandidateError(f"encoder {ref.encoder!r} has no tap {tap!r}{nearest(tap, known)}")
    _check_count(f"extractor {ref.extractor!r}", "tap", len(taps), extractor.taps)
    written_out = StreamRef(ref.encoder, ref.extractor, taps)
    return ResolvedStream(written_out, encoder, extractor, registry.lineage(ref.encoder)[1:])


def _check_count(what: str, unit: str, found: int, bounds: tuple[int, int | None]) -> None:
    least, most = bounds
    if found < least or (most is not None and found > most):
        wanted = f"exactly {least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        raise CandidateError(f"{what} takes {wanted} {unit}{'' if wanted == 'exactly 1' else 's'}, got {found}")


def fed_px(lineage: Sequence[EncoderSpec], feeding: Feeding) -> int | None:
    """What an encoder is asked to resize to by a run.

    Args:
        lineage: The encoder, and what it is a variant of: ``larger2`` is fed twice the side.
        feeding: Of the run.

    Returns:
        The nearest side below that every tap divides, or the one that gives so many tokens; None leaves it to the
        encoder.
    """
    spec = lineage[0]
    if feeding.size is None or spec.fixed_input or spec.inputs == "grids":
        return None
    tap = max(spec.taps, key=lambda one: one.stride_px)
    step = tap.stride_px
    if feeding.policy == EQUAL_TOKENS:
        return feeding.size * spec.input_px // lineage[-1].input_px * step + tap.margin_px
    return max(step, feeding.size * spec.input_px // lineage[-1].input_px // step * step)


def _tap_shape(encoder: EncoderSpec, tap: str, side: int) -> GridShape:
    spec = encoder.tap(tap)
    cells = spec.cells(side)
    return GridShape(rows=cells, cols=cells, width=spec.width)
