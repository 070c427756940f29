"""Twins: beside every candidate with trained weights the same one with random weights, and raw pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.contracts.specs.models import WeightsKind
from foresight_harness.parts.controls.variants import TWIN
from foresight_harness.planning.candidates.candidate import Candidate, StreamRef
from foresight_harness.planning.candidates.resolve import ResolvedCandidate, ResolvedStream, resolve
from foresight_harness.planning.candidates.select import Selection
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.registry import Registry

PIXELS = StreamRef("pixels", "tap", ("patch",))
"""The floor of "no model at all"."""


def encoder_weights(lineage: Sequence[EncoderSpec], options: RunOptions) -> tuple[WeightsKind, str | None]:
    """With which weights a run builds an encoder, and from where: random ones for tiny sizes, nano ones for those that
    have them, pretrained ones for published sizes and where ``--weights-source`` names it.

    Args:
        lineage: The encoder, what it derives from, and so on to the one that has the weights.
        options: Of the run.
    """
    spec = lineage[0]
    source = options.source_of(spec.name) or options.source_of(lineage[-1].name)
    carried = "nano" if "nano" in spec.weights else "random"
    default = carried if spec.size == "tiny" and source is None else "pretrained"
    asked = options.weights or default
    chosen = asked if asked in spec.weights else default if default in spec.weights else spec.weights[0]
    return chosen, source  # type: ignore[return-value]


def with_twins(selection: Selection, registry: Registry, options: RunOptions) -> Selection:
    """The selection with a twin of every candidate whose encoders are trained, at the same taps, and with raw pixels.

    A candidate of several encoders has one twin, in which every trained one is random. Suites that time nothing but
    values score them (``candidates_of``). Nothing is added with ``--no-twins``, or where no weights are trained.
    """
    if not options.twins:
        return selection
    known = {str(candidate) for candidate in selection.candidates}
    beside: dict[str, ResolvedCandidate] = {}
    pixels: dict[str, ResolvedCandidate] = {}
    for candidate in selection.candidates:
        found = twin_of(candidate, registry, options)
        if found is None:
            continue
        beside.setdefault(str(found), found)
        floor = Candidate((PIXELS,), "identity", "single", candidate.candidate.decoder)
        pixels.setdefault(str(floor), resolve(floor, registry))
    added = {name: found for name, found in {**beside, **pixels}.items() if name not in known}
    return selection._replace(
        candidates=(*selection.candidates, *added.values()),
        added=frozenset(added),
    )


def twin_of(candidate: ResolvedCandidate, registry: Registry, options: RunOptions) -> ResolvedCandidate | None:
    """The same candidate with random weights; None where it has no trained ones, is a control, or cannot have any."""
    if candidate.role != "candidate":
        return None
    streams = tuple(_twin_stream(stream, options) for stream in candidate.streams)
    if streams == candidate.candidate.streams:
        return None
    try:
        return resolve(replace(candidate.candidate, streams=streams), registry)
    except CandidateError:  # its plugin offers no random weights
        return None


def _twin_stream(stream: ResolvedStream, options: RunOptions) -> StreamRef:
    root = stream.lineage[-1]
    trained = root.params != 0 and encoder_weights(stream.lineage[-1:], options)[0] != "random"
    if not trained:
        return stream.ref
    families = stream.ref.encoder.removesuffix(root.name)  # ``pooled2:`` of ``pooled2:alexnet``; most have none
    return replace(stream.ref, encoder=f"{families}{TWIN}:{root.name}")
