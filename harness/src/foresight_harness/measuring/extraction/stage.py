"""The extraction stage: every missing tap of an encoder over a split, in one pass."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from foresight_harness.contracts.errors import CacheError, CheckpointError, PluginFailure, UsageError
from foresight_harness.contracts.locks import LockError
from foresight_harness.contracts.pairing import paired
from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec
from foresight_harness.measuring.cache.arrays import StoredArray
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.cache.keys import content_key, digest_of_environment
from foresight_harness.measuring.cache.libraries import libraries_of
from foresight_harness.measuring.cache.store import ArrayStore, ArrayWriter
from foresight_harness.measuring.extraction.encode import encode_batch
from foresight_harness.measuring.extraction.pool import EncoderPool
from foresight_harness.measuring.extraction.rounding import rounded
from foresight_harness.measuring.extraction.splits import DecodedSplit
from foresight_harness.measuring.extraction.spot_checks import SpotChecks, chosen, difference, made_at, tolerance
from foresight_harness.parts.datasets.scenes import painted
from foresight_harness.parts.weights.attention import resolve_attention
from foresight_harness.parts.weights.formats import NONE
from foresight_harness.parts.weights.provenance import Provenance, provenance_of
from foresight_harness.planning.registry import Registry

BATCH = 16
"""Pictures of one forward; large enough to keep two cores busy, small enough for a 7B tower on one card."""


class Fingerprinted(Protocol):
    """What decides the pictures of a split."""

    @property
    def fingerprint(self) -> str:
        """Equal exactly where the pictures are equal."""
        ...


class Requests(Protocol):
    """How a run builds an encoder."""

    def __call__(self, spec: EncoderSpec) -> BuildRequest: ...


@dataclass
class Extraction:
    """Extracts what is missing and hands out cached grids."""

    registry: Registry
    store: ArrayStore
    pool: EncoderPool
    request: Requests
    progress: Progress
    planned: dict[str, set[str]] = field(default_factory=dict)
    """Encoder -> taps that planned cells read: they are all extracted in the pass that the first of them causes."""
    planned_on: dict[str, set[str]] = field(default_factory=dict)
    """Encoder -> data sets that planned cells read it on."""
    forwards: Counter[str] = field(default_factory=Counter)
    """Pictures that went through each encoder."""
    hits: Counter[str] = field(default_factory=Counter)
    """Grids found in the cache, by encoder."""
    checks: SpotChecks = field(default_factory=SpotChecks)
    cache_dtype: str | None = None
    """What features are rounded to where they are kept; None is as they are made."""
    _provenance: dict[str, Provenance] = field(default_factory=dict)
    _fresh: set[str] = field(default_factory=set)
    """Keys of what this process has made."""

    def __post_init__(self) -> None:
        """Let the pool keep what is looked at again."""
        self.pool.looked_at_again = self._looked_at_again

    def _looked_at_again(self, name: str) -> bool:
        return self.checks.left(f"encoder {name}", self.planned_on.get(name, ()))

    def provenance(self, spec: EncoderSpec) -> Provenance:
        """Origin of the weights of the encoder, or of the one that it is a variant of. Raises: CheckpointError."""
        root = self.registry.lineage(spec.name)[-1]
        if root.name not in self._provenance:
            self._provenance[root.name] = provenance_of(
                root.name,
                root.config,
                self.request(root),
                repo=root.repo,
                revision=root.revision,
                published=root.published,
            )
        return self._provenance[root.name]

    def remarks(self) -> dict[str, tuple[str, ...]]:
        """What was not read of the weights of encoders that were asked for, where there is something to say."""
        return {name: found.remarks for name, found in self._provenance.items() if found.remarks}

    def plan(self, encoder: str, taps: Sequence[str], dataset: str = "") -> None:
        """Announce that a cell will read these taps on this data set."""
        self.planned.setdefault(encoder, set()).update(taps)
        self.planned_on.setdefault(encoder, set()).update([dataset] if dataset else [])

    def choices(self, spec: EncoderSpec, tap: str, split: Fingerprinted) -> dict[str, Any]:
        """Everything that decides what the features are."""
        request = self.request(spec)
        choices = {
            "kind": "features",
            "encoder": spec.name,
            "weights": self.provenance(spec).content,
            "code": self.registry.owner("encoder", spec.name).digest,
            "libraries": list(libraries_of(self.registry.owner("encoder", spec.name).distribution)),
            "tap": tap,
            "preprocessing": {str(name): str(value) for name, value in spec.preprocessing.items()},
            "input_px": request.input_px or spec.input_px,
            "dtype": request.dtype,
            "device": request.device.partition(":")[0],
            "attention": resolve_attention(request.attention, spec.attention, request.device, request.dtype),
            "fingerprint": split.fingerprint,
        }
        if self.cache_dtype is not None:
            choices["cache_dtype"] = self.cache_dtype
        choices |= {
            name: value for name in ("quantize", "device_map") if (value := getattr(request, name)) != NONE
        }  # absent where nothing is asked for: keys of such features stay what they were
        if spec.environment:
            choices["environment"] = digest_of_environment(spec.environment)
        if spec.derives_from is not None:
            base = self.registry.encoder(spec.derives_from)
            choices["base"] = self.choices(base, tap, split)
        return choices

    def grids(self, spec: EncoderSpec, tap: str, split: DecodedSplit) -> CachedGrids:
        """Cached grids of one tap, extracted now where they are missing.

        Raises:
            ForesightError: whatever the encoder's build or forward says.
        """
        key = content_key(self.choices(spec, tap, split))
        array = self.store.open(key)
        if array is not None and not self._is_stale(spec, tap, split, array):
            self.hits[spec.name] += 1
        else:
            self._extract_with_planned(spec, tap, split)
            array = self.store.open(key)
            if array is None:
                raise CacheError(f"features of {spec.name}@{tap} were written and cannot be read back from {key[:12]}")
        return CachedGrids(array, ids=split.ids)

    def found(self, spec: EncoderSpec, tap: str, split: DecodedSplit) -> CachedGrids | None:
        """Cached grids of one tap where they are in the store."""
        array = self.store.open(content_key(self.choices(spec, tap, split)))
        return None if array is None else CachedGrids(array, ids=split.ids)

    def _is_stale(self, spec: EncoderSpec, tap: str, split: DecodedSplit, array: StoredArray) -> bool:
        """Look at an entry of an earlier run, with those of the other planned taps; stale ones are removed, and said.

        Of a split whose samples are not those that the cache held nothing is kept that was made before.
        """
        key = content_key(self.choices(spec, tap, split))
        if split.remade and key not in self._fresh:
            self._discard(key, array)
            return True
        if not self.checks.due(f"encoder {spec.name}", split.dataset, split.fingerprint, array):
            return False
        began = time.monotonic()
        stale = self._stale_taps(spec, tap, split)
        self.checks.seconds += time.monotonic() - began
        for name, old in stale.items():
            self._discard(content_key(self.choices(spec, name, split)), old)
        return tap in stale

    def _stale_taps(self, spec: EncoderSpec, tap: str, split: DecodedSplit) -> dict[str, StoredArray]:
        """Entries of this encoder on this split that are not what it makes now."""
        kept = {}
        for name in sorted({tap, *self.planned.get(spec.name, set())}):
            found = self.store.open(content_key(self.choices(spec, name, split)))
            if found is not None:
                kept[name] = found
        places = chosen(len(split))
        try:
            made = self._made_again(spec, list(kept), split, places)
        except (torch.OutOfMemoryError, MemoryError, CheckpointError) as error:
            self.checks.say(
                f"features of {spec.name} were not compared with the cache ({' '.join(str(error).split())})"
            )
            return {}
        self.checks.checked += len(places)
        apart = {name: difference(array.take(places), made[name]) for name, array in kept.items()}
        stale = {name: kept[name] for name, by in apart.items() if by > self._tolerance(spec)}
        if stale:
            worst = max(apart[name] for name in stale)
            self.checks.found(
                f"encoder {spec.name}",
                f"features of {spec.name}@{','.join(stale)} on {split.dataset}/{split.split} in the cache are not what "
                f"the encoder makes now (apart by {worst:.2g} of a token's length): made anew; something beside its "
                "code, weights and declared environment decides them",
            )
        return stale

    def _tolerance(self, spec: EncoderSpec) -> float:
        """The difference between kept and fresh tokens that still counts as none."""
        return max(tolerance(dtype) for dtype in (self.request(spec).dtype, self.cache_dtype) if dtype is not None)

    def _made_again(
        self, spec: EncoderSpec, taps: Sequence[str], split: DecodedSplit, places: Sequence[int]
    ) -> dict[str, Tensor]:
        """Tokens of these samples as the encoder makes them now, by tap. [len(places), T, H, W, C] each"""
        grids = None
        if spec.inputs == "grids":
            base = self.registry.encoder(spec.derives_from or "")
            grids = {tap: self.grids(base, tap, split).array.take(places).float() for tap in taps}
        encoder = self.pool.get(spec, taps, counted=False)
        device = self.request(spec).device
        if grids is not None:
            return {tap: encode_batch(encoder, grids[tap].to(device), [tap])[tap].tokens for tap in taps}
        clips = split.take(places)
        if spec.inputs == "masks":
            clips = painted(clips, split.labels.foreground[list(places)])
        made = encode_batch(encoder, clips.to(device), taps)
        del encoder  # else it is still in use when the pool lets it go
        self.pool.spare = spec.name
        self.pool.trim()
        return {tap: made[tap].tokens for tap in taps}

    def _discard(self, key: str, old: StoredArray) -> None:
        """Remove an entry, unless another process has replaced it since it was looked at."""
        with self.store.lock(key):
            now = self.store.open(key)
            if now is not None and made_at(now) == made_at(old):
                self.store.discard(key)

    def _extract_with_planned(self, spec: EncoderSpec, tap: str, split: DecodedSplit) -> None:
        """Every planned tap in one pass; where cache or memory do not hold that, the one that is wanted now."""
        taps = sorted({tap, *self.planned.get(spec.name, set())})
        try:
            self._extract(spec, taps, split)
        except (PluginFailure, LockError):
            raise
        except (CacheError, UsageError):
            if len(taps) == 1:
                raise
            self._extract(spec, [tap], split)

    def _extract(self, spec: EncoderSpec, taps: Sequence[str], split: DecodedSplit) -> None:
        choices = {tap: self.choices(spec, tap, split) for tap in taps}
        keys = {tap: content_key(choices[tap]) for tap in taps}
        with ExitStack() as stack:
            for tap in taps:  # sorted, so that two runs take locks in one order
                stack.enter_context(self.store.lock(keys[tap]))
            missing = [tap for tap in taps if self.store.open(keys[tap]) is None]
            if missing:
                writers = {tap: stack.enter_context(self.store.writer(keys[tap], choices[tap])) for tap in missing}
                self._forward(spec, missing, split, writers)
        self._fresh.update(keys.values())

    def _forward(
        self, spec: EncoderSpec, taps: Sequence[str], split: DecodedSplit, writers: dict[str, ArrayWriter]
    ) -> None:
        encoder = self.pool.get(spec, taps)
        device = self.request(spec).device
        who = f"encoder {spec.name} of plugin {self.registry.owner('encoder', spec.name).name!r} (foresight_encoders)"
        title = f"extract {spec.name} on {split.dataset}/{split.split}"
        with self.progress.task(title, len(split)) as advance:
            for block in self._inputs(spec, taps, split):
                if isinstance(block, dict):
                    grids = {tap: encode_batch(encoder, block[tap].to(device), [tap], who)[tap] for tap in taps}
                    size = len(block[taps[0]])
                else:
                    grids = encode_batch(encoder, block.to(device), taps, who)
                    size = len(block)
                    self.forwards[spec.name] += size
                for tap in taps:
                    writers[tap].add(rounded(grids[tap].tokens, self.cache_dtype, f"{spec.name}@{tap}"))
                advance(size)

    def _inputs(
        self, spec: EncoderSpec, taps: Sequence[str], split: DecodedSplit
    ) -> Iterator[Tensor] | Iterator[dict[str, Tensor]]:
        if spec.inputs == "masks":
            return split.scene_batches(BATCH)
        if spec.inputs == "clips":
            return split.batches(BATCH)
        return self._base_grids(spec, taps, split)

    def _base_grids(self, spec: EncoderSpec, taps: Sequence[str], split: DecodedSplit) -> Iterator[dict[str, Tensor]]:
        base = self.registry.encoder(spec.derives_from or "")
        grids = [replace(self.grids(base, tap, split), batch=BATCH) for tap in taps]
        for blocks in paired(f"taps of {base.name}", *grids):
            yield dict(zip(taps, blocks, strict=True))
