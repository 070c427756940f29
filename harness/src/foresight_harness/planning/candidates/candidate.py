"""The candidate string: ``streams/enhancer/fusion/decoder``, the key in records and what people paste."""

from __future__ import annotations

import re
from dataclasses import dataclass

from foresight_harness.contracts.errors import CandidateError

GRAMMAR = "encoder@tap[+encoder@tap...]/enhancer/fusion/decoder"
_NAME = r"[A-Za-z0-9_.:\-]+"
_STREAM = re.compile(rf"(?P<encoder>{_NAME})(?:@(?:(?P<extractor>{_NAME})\((?P<taps>[^()]*)\)|(?P<tap>{_NAME})))?")


@dataclass(frozen=True)
class StreamRef:
    """One stream as written: an encoder, and the extractor that makes a stream of its taps."""

    encoder: str
    extractor: str = "tap"
    taps: tuple[str, ...] = ()
    """Empty where the encoder's default tap is meant."""

    def __str__(self) -> str:
        if not self.taps:
            return self.encoder
        if self.extractor == "tap":
            return f"{self.encoder}@{self.taps[0]}"
        return f"{self.encoder}@{self.extractor}({','.join(self.taps)})"


@dataclass(frozen=True)
class Candidate:
    """One pipeline under test."""

    streams: tuple[StreamRef, ...]
    enhancer: str
    fusion: str
    decoder: str

    def __str__(self) -> str:
        return f"{'+'.join(map(str, self.streams))}/{self.enhancer}/{self.fusion}/{self.decoder}"

    @property
    def encoders(self) -> tuple[str, ...]:
        """Names of the encoders, in order of the streams, each once."""
        return tuple(dict.fromkeys(stream.encoder for stream in self.streams))


def parse_candidate(text: str) -> Candidate:
    """Parse a candidate string. Names are checked by ``resolve``.

    Raises:
        CandidateError: in one line that shows the grammar and the part that does not fit.
    """
    parts = text.strip().split("/")
    if len(parts) != 4:
        raise CandidateError(f"candidate {text!r} has {len(parts)} parts between slashes, needs 4: {GRAMMAR}")
    streams = tuple(_parse_stream(stream, text) for stream in parts[0].split("+"))
    for part, title in zip(parts[1:], ("enhancer", "fusion", "decoder"), strict=True):
        if not re.fullmatch(_NAME, part):
            raise CandidateError(f"candidate {text!r}: {part!r} is no {title} name: {GRAMMAR}")
    return Candidate(streams, *parts[1:])


def _parse_stream(text: str, whole: str) -> StreamRef:
    match = _STREAM.fullmatch(text.strip())
    if match is None:
        raise CandidateError(
            f"candidate {whole!r}: {text!r} is no stream; write encoder@tap or encoder@extractor(tap,tap)"
        )
    if match["extractor"]:
        taps = tuple(tap.strip() for tap in match["taps"].split(",") if tap.strip())
        if not taps:
            raise CandidateError(f"candidate {whole!r}: {text!r} names no tap between its brackets")
        return StreamRef(match["encoder"], match["extractor"], taps)
    return StreamRef(match["encoder"], "tap", (match["tap"],) if match["tap"] else ())
