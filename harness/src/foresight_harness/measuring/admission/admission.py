"""Which encoders of a run are believed: examined before they are ranked, once for code, weights, tap and pictures."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from foresight_harness.contracts.errors import CacheError, CandidateError, ForesightError, UsageError
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.admission.declared import examined_as, is_core, named, params_fault, reading_fault
from foresight_harness.measuring.admission.examining import Run, Subject, examine
from foresight_harness.measuring.admission.kept import keep_verdict, kept_verdict
from foresight_harness.measuring.admission.replay import replayed
from foresight_harness.measuring.admission.verdicts import NOT_CHECKED, REFUSED, Verdict, joined
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.extraction import DecodedSplit, Extraction, encode_batch
from foresight_harness.parts.controls.variants import TWIN
from foresight_harness.parts.weights.counting import parameter_count, tensor_count
from foresight_harness.planning.candidates import ResolvedCandidate
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.registry import Registry

VERSION = 3
"""Raised whenever the same encoder may get another verdict."""
OFF = Verdict(NOT_CHECKED, ("admission is off",))


class AdmissionError(ForesightError):
    """An encoder was refused where ``--admission strict`` asks that none is."""


@dataclass(frozen=True)
class _Pictures:
    """What the key of a verdict needs of the pictures: their size, not their content."""

    fingerprint: str


class Boards(Protocol):
    """What admission reads of a cell: its candidate, and the split that is scored."""

    @property
    def candidate(self) -> ResolvedCandidate:
        """With its streams."""
        ...

    def split(self, name: Any) -> DecodedSplit:
        """``test``."""
        ...


@dataclass
class Admission:
    """Verdicts on the encoders of a run."""

    registry: Registry
    options: RunOptions
    extraction: Extraction
    pictures: Counter[str] = field(default_factory=Counter)
    """Pictures that were encoded to examine each encoder; none where its verdict was kept."""
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _known: dict[tuple[str, str, str], Verdict] = field(default_factory=dict)
    """By encoder, tap and size of the pictures."""
    _replayed: dict[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    """By encoder, tap and data."""
    _of: dict[tuple[str, str], Verdict | None] = field(default_factory=dict)
    """By streams of a candidate and data set: what its records say."""

    def before(self, cell: Boards) -> None:
        """Examine the encoders of a cell. Raises: AdmissionError where one is refused and none may be; ForesightError:
        whatever the encoder's build or forward says to the user."""
        found = []
        for name, taps in self._read_by(cell.candidate):
            found += [self._general(name, tap, taps, cell.split("test")) for tap in taps]
        self._note(cell, joined(found))

    def after(self, cell: Boards) -> None:
        """Hold the features that were scored against the encoder once more. Raises: as ``before``."""
        verdict = self.of(cell)
        if verdict is None or verdict.status == NOT_CHECKED:
            return
        split = cell.split("test")
        faults = [fault for name, taps in self._read_by(cell.candidate) for fault in self._replay(name, taps, split)]
        self._note(cell, verdict.and_then(faults))

    def of(self, cell: Boards) -> Verdict | None:
        """What is known of a cell's encoders so far; None where none needs admission, or none was asked about."""
        return self._of.get(_key(cell))

    def weightless(self, name: str) -> bool:
        """Whether there is nothing to load behind an encoder: declared, and counted in what is built."""
        return all(self._holds_nothing(spec) for spec in self.registry.lineage(name))

    def _holds_nothing(self, spec: EncoderSpec) -> bool:
        if spec.params != 0:
            return False
        if is_core(self.registry.owner("encoder", spec.name)):
            return True
        known = [verdict.params for (of, _, _), verdict in self._known.items() if of == spec.name]
        counts = [count for count in known if count is not None]
        if not counts or spec.inputs == "grids":
            counts = [_counted(self.extraction.pool.get(spec), spec)]
        return max(counts) == 0

    def facts(self) -> list[dict[str, Any]]:
        """For ``run.json``: one object an encoder and tap."""
        return [
            {
                **{"encoder": name, "tap": tap, "pictures_px": place, "status": verdict.status, "reason": verdict.line},
                **{"encoded": self.pictures[name], "wall_s": round(self.seconds[name], 3)},
            }
            for (name, tap, place), verdict in sorted(self._known.items())
        ]

    def _read_by(self, candidate: ResolvedCandidate) -> list[tuple[str, tuple[str, ...]]]:
        found = []
        for stream in candidate.streams:
            name = examined_as(stream.ref.encoder, self.registry)
            if name is not None:
                found.append((name, tuple(stream.ref.taps)))
        return found

    def _note(self, cell: Boards, verdict: Verdict | None) -> None:
        self._of[_key(cell)] = verdict
        if verdict is not None and verdict.refused and self.options.admission == "strict":
            raise AdmissionError(f"refused (--admission strict): {verdict.line}")

    def _general(self, name: str, tap: str, taps: Sequence[str], split: DecodedSplit) -> Verdict:
        place = (name, tap, _size(split))
        if place not in self._known:
            self._known |= {
                (name, one, place[2]): verdict for one, verdict in self._decided(name, tap, taps, split).items()
            }
        return self._known[place]

    def _decided(self, name: str, tap: str, taps: Sequence[str], split: DecodedSplit) -> dict[str, Verdict]:
        """Verdicts on this tap, and on the others that the run reads, as far as they can be had together."""
        forbidden = reading_fault(name, self.registry)
        if forbidden is not None:
            return dict.fromkeys(taps, Verdict(REFUSED, (f"{named(name, self.registry)} {forbidden}",)))
        if self.options.admission == "off":
            return dict.fromkeys(taps, OFF)
        spec, store = self.registry.encoder(name), self.extraction.store
        planned = [one.name for one in spec.taps if one.name in {*taps, *self.extraction.planned.get(name, set())}]
        keys = {one: self._key(spec, one, split) for one in planned}
        with store.lock(content_key({"admission": name})):
            found = {one: kept for one, key in keys.items() if (kept := kept_verdict(store.root, key)) is not None}
            missing = [one for one in planned if one not in found]
            if missing:
                fresh = self._examined(spec, missing, tap, split)
                for one, verdict in fresh.items():
                    keep_verdict(store.root, keys[one], verdict, {"encoder": name, "tap": one, "of": _size(split)})
                found |= fresh
        return found

    def _examined(self, spec: EncoderSpec, missing: list[str], tap: str, split: DecodedSplit) -> dict[str, Verdict]:
        try:
            return self._examine(spec, missing, split)
        except (CacheError, UsageError):  # memory does not hold every tap: the one that is wanted now
            if len(missing) == 1 or tap not in missing:
                raise
            return self._examine(spec, [tap], split)

    def _examine(self, spec: EncoderSpec, taps: list[str], split: DecodedSplit) -> dict[str, Verdict]:
        subject = self._subject(spec, taps)
        began = time.monotonic()  # building is not part of it: extraction needs the encoder built as well
        clips = split.take([0, len(split) // 2])
        found, encoded = examine(subject, taps, clips[0], clips[-1])
        who, fault = named(spec.name, self.registry), self._params_fault(spec, found)
        self.pictures[spec.name] += encoded
        self.seconds[spec.name] += time.monotonic() - began
        return {
            one: Verdict(
                REFUSED if fault or verdict.refused else verdict.status,
                tuple(f"{who}: {reason}" for reason in (*([fault] if fault else []), *verdict.reasons)),
                verdict.unchecked,
                verdict.params,
            )
            for one, verdict in found.items()
        }

    def _params_fault(self, spec: EncoderSpec, found: Mapping[str, Verdict]) -> str | None:
        built = self.extraction.pool.get(spec)
        if spec.inputs == "grids":  # of the part that transforms them; what made them has an admission of its own
            counted = _counted(built, spec)
        else:
            counted = max((verdict.params or 0 for verdict in found.values()), default=0)
        asked = self.extraction.request(spec).input_px
        return params_fault(spec, _told(built), counted, own_size=asked in (None, spec.input_px))

    def _subject(self, spec: EncoderSpec, taps: Sequence[str]) -> Subject:
        request = self.extraction.request(spec)
        lineage = self.registry.lineage(spec.name)
        built = self.extraction.pool.get(spec, taps)
        return Subject(
            spec=spec,
            run=self._run(lineage, taps),
            side_px=request.input_px or spec.input_px,
            device=request.device,
            dtype=request.dtype,
            params=_counted(built, spec),
            untrained=self._untrained(lineage, taps),
        )

    def _untrained(self, lineage: Sequence[EncoderSpec], taps: Sequence[str]) -> Callable[[], Run] | None:
        """The same code with random weights; None where these are random, or its plugin offers no others."""
        root = lineage[-1]
        if root.params == 0 or self.extraction.request(root).weights == "random":
            return None
        families = lineage[0].name.removesuffix(root.name)
        try:
            twin = self.registry.lineage(f"{families}{TWIN}:{root.name}")
        except CandidateError:
            return None
        return lambda: self._run(twin, taps)

    def _run(self, lineage: Sequence[EncoderSpec], planned: Sequence[str]) -> Run:
        """An encoder on clips, through what it is a variant of where it reads another one's grids."""
        spec = lineage[0]
        device, built = self.extraction.request(spec).device, self.extraction.pool.get(spec, planned)
        if spec.inputs != "grids":
            return lambda clips, taps: encode_batch(built, clips.to(device), taps)
        base = self._run(lineage[1:], planned)

        def run(clips: Tensor, taps: Sequence[str]) -> Mapping[str, TokenGrid]:
            grids = base(clips, taps)
            return {tap: encode_batch(built, grids[tap].tokens.float().to(device), [tap])[tap] for tap in taps}

        return run

    def _key(self, spec: EncoderSpec, tap: str, split: DecodedSplit) -> str:
        declared = spec.tap(tap)
        return content_key(
            {
                "admission": VERSION,
                "torch": torch.__version__,
                "device": self.extraction.request(spec).device,
                "declared": [declared.width, declared.stride_px, declared.stride_frames, spec.params],
                "tolerance_cells": spec.tolerance_cells,
                "choices": self.extraction.choices(spec, tap, _Pictures(_size(split))),
            }
        )

    def _replay(self, name: str, taps: Sequence[str], split: DecodedSplit) -> list[str]:
        if reading_fault(name, self.registry) is None:
            missing = [tap for tap in taps if (name, tap, split.fingerprint) not in self._replayed]
            if missing:  # all that were extracted together, while the encoder is in memory
                together = sorted({*missing, *self.extraction.planned.get(name, set())})
                self._replay_taps(self.registry.encoder(name), together, split)
        known = [fault for tap in taps for fault in self._replayed.get((name, tap, split.fingerprint), ())]
        return [f"{named(name, self.registry)}: {fault}" for fault in known]

    def _replay_taps(self, spec: EncoderSpec, taps: Sequence[str], split: DecodedSplit) -> None:
        store, began = self.extraction.store, time.monotonic()
        keys = {tap: content_key({"replay": self._key(spec, tap, split), "of": split.fingerprint}) for tap in taps}
        found = {tap: kept.reasons for tap in taps if (kept := kept_verdict(store.root, keys[tap])) is not None}
        grids = {tap: self.extraction.found(spec, tap, split) for tap in taps if tap not in found}
        # A suite that reads no features of this split has none to be held against the encoder.
        cached = {tap: grid for tap, grid in grids.items() if grid is not None}
        if cached:
            fresh, encoded = replayed(self._subject(spec, list(cached)), cached, split)
            self.pictures[spec.name] += encoded
            for tap, faults in fresh.items():
                facts = {"encoder": spec.name, "tap": tap, "of": split.dataset}
                keep_verdict(store.root, keys[tap], Verdict("admitted").and_then(faults), facts)
            found |= fresh
        self._replayed |= {(spec.name, tap, split.fingerprint): faults for tap, faults in found.items()}
        self.seconds[spec.name] += time.monotonic() - began


def _key(cell: Boards) -> tuple[str, str]:
    streams = "+".join(str(stream.ref) for stream in cell.candidate.streams)
    return streams, cell.split("test").fingerprint


def _size(split: DecodedSplit) -> str:
    return "x".join(str(side) for side in split.clips.shape)


def _counted(built: object, spec: EncoderSpec) -> int:
    """Parameters of what was built; of what declares none also plain tensors that are as large as weights are."""
    return parameter_count(built) + (tensor_count(built) if spec.params == 0 else 0)


def _told(built: object) -> Mapping[str, Any] | None:
    facts = getattr(built, "facts", None)
    try:
        told = facts() if callable(facts) else None
    except Exception:  # any failure of foreign code; what it would have told is then not known
        return None
    return told if isinstance(told, Mapping) else None
