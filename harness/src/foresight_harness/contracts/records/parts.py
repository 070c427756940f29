"""What a record is made of: the choices of a candidate, loaded models, sizes of modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from foresight_harness.contracts.records.fields import COUNT, FLAG, NUMBER, TEXT, about, many, optional, written_object
from foresight_harness.contracts.records.fields import part as stored_part

UNTRAINED = ("random", "nano")
"""Kinds of weights whose numbers say nothing about trained models, the worst first."""


@dataclass(frozen=True, kw_only=True)
class Axes:
    """The choices that make a candidate."""

    encoders: tuple[str, ...] = field(metadata=about(many(TEXT), "each once"))
    taps: tuple[str, ...] = field(default=(), metadata=about(many(TEXT), "of all streams"))
    streams: tuple[str, ...] = field(default=(), metadata=about(many(TEXT), "`encoder@tap` each"))
    depths: tuple[float | None, ...] = field(
        default=(),
        metadata=about(
            many(optional(NUMBER)), "one a stream: place of its tap among the encoder's, 0 to 1; null for several taps"
        ),
    )
    families: tuple[str, ...] = field(default=(), metadata=about(many(TEXT), "of encoders, one a stream"))
    objectives: tuple[str | None, ...] = field(
        default=(),
        metadata=about(
            many(optional(TEXT)),
            "one a stream: what its training asked for, null where no relative was asked for something else; absent "
            "where all are null",
        ),
    )
    enhancer: str = field(metadata=about(TEXT, "its name"))
    fusion: str = field(metadata=about(TEXT, "its name"))
    decoder: str = field(metadata=about(TEXT, "its name"))
    further: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As they stand in a line."""
        written = written_object(self)
        if not any(self.objectives):
            written.pop("objectives")
        return written


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One file that weights were read from."""

    name: str = field(metadata=about(TEXT, "its own name"))
    sha256: str = field(metadata=about(TEXT, "of its bytes"))
    bytes: int = field(metadata=about(COUNT, "its size", unit="bytes"))
    further: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model behind a number, and where its weights came from."""

    part: str = field(metadata=about(TEXT, "`encoder` or `decoder`"))
    name: str = field(metadata=about(TEXT, "of the spec"))
    kind: str = field(
        metadata=about(
            TEXT,
            "`published` (its files are known published ones), `pretrained`, `nano`, `random`, `none`",
        )
    )
    sha256: str | None = field(default=None, metadata=about(optional(TEXT), "of the weight files; absent for `none`"))
    repo: str | None = field(
        default=None, metadata=about(optional(TEXT), "Hub id, or the folder or file that the user named")
    )
    revision: str | None = field(default=None, metadata=about(optional(TEXT), "commit of the Hub that was loaded"))
    seed: int | None = field(default=None, metadata=about(optional(COUNT), "of random weights"))
    files: tuple[WeightsFile, ...] = field(
        default=(), metadata=about(many(stored_part(WeightsFile)), "what was read; absent where nothing was")
    )
    remarks: tuple[str, ...] = field(
        default=(), metadata=about(many(TEXT), "what lies beside the weights and was not read; absent where nothing")
    )
    trusted: bool = field(
        default=False, metadata=about(FLAG, "whether `--trust-weights` vouches for weights that nobody published")
    )
    quantize: str | None = field(
        default=None,
        metadata=about(
            optional(TEXT),
            "`8bit` or `4bit`: what its matrices were quantised to when loaded; absent where nothing",
        ),
    )
    further: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it stands in a line: where no files are known, nothing is said about files."""
        names = ["part", "name", "kind"]
        if self.sha256 is not None:
            names += ["sha256", "repo", "revision", "seed"]
        names += [
            name
            for name, there in (("files", self.files), ("remarks", self.remarks), ("trusted", self.trusted))
            if there
        ]
        names += [] if self.quantize is None else ["quantize"]
        return written_object(self, names)


@dataclass(frozen=True, kw_only=True)
class ModuleSize:
    """How large a trained enhancer or fusion is at one width, and how large its document says that it is."""

    part: str = field(metadata=about(TEXT, "`enhancer` or `fusion`"))
    name: str = field(metadata=about(TEXT, "of the spec"))
    width: tuple[int, ...] = field(metadata=about(many(COUNT), "one number a stream", unit="channels"))
    params: int | None = field(metadata=about(optional(COUNT), "null where not countable without memory"))
    claimed_width: tuple[int, ...] | None = field(
        metadata=about(optional(many(COUNT)), "the document's; null where it claims none", unit="channels")
    )
    claimed_width_params: int | None = field(metadata=about(optional(COUNT), "counted at the document's width"))
    claimed: int | None = field(metadata=about(optional(COUNT), "parameters that the document claims"))
    source: str | None = field(metadata=about(optional(TEXT), "where it claims them"))
    further: Mapping[str, Any] = field(default_factory=dict)
