"""Decoders in a run: built once, their latents cached, their own round trip as the ceiling."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from foresight_harness.contracts.errors import CacheError, PluginError
from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.protocols import ConditionedDecoder, Decoder
from foresight_harness.contracts.specs import BuildRequest, DecoderSpec
from foresight_harness.contracts.specs.models import OWN
from foresight_harness.contracts.token_grids import require_finite
from foresight_harness.measuring.cache.arrays import StoredArray
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.cache.keys import content_key, digest_of_environment
from foresight_harness.measuring.cache.libraries import libraries_of
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.measuring.extraction.splits import DecodedSplit
from foresight_harness.measuring.extraction.spot_checks import SpotChecks, chosen, difference, made_at, tolerance
from foresight_harness.parts.weights.counting import require_finite_parameters, require_no_parameters
from foresight_harness.parts.weights.provenance import Provenance, provenance_of
from foresight_harness.planning.plugin_calls import calling
from foresight_harness.planning.registry import Registry

BATCH = 16


@dataclass
class Latents:
    """Builds decoders and hands out the latents of splits."""

    registry: Registry
    store: ArrayStore
    request: Callable[[DecoderSpec], BuildRequest]
    progress: Progress
    builds: Counter[str] = field(default_factory=Counter)
    checks: SpotChecks = field(default_factory=SpotChecks)
    _fresh: set[str] = field(default_factory=set)
    """Keys of what this process has made."""
    _live: dict[str, Decoder] = field(default_factory=dict)

    def decoder(self, spec: DecoderSpec) -> Decoder:
        """The built decoder. Raises: CheckpointError, UsageError from its plugin; PluginError if it has weights."""
        if spec.base not in self._live:
            self.builds[spec.base] += 1
            built = spec.build(self.request(spec))
            if spec.weightless:
                require_no_parameters(built, f"decoder {spec.base}")
            elif self.request(spec).weights != "random":
                require_finite_parameters(built, f"decoder {spec.base}")
            self._live[spec.base] = built
        return self._live[spec.base]

    def conditioned(self, spec: DecoderSpec) -> ConditionedDecoder | None:
        """The built decoder where it reads the conditioning itself; None for every other.

        Raises:
            PluginError: if it declares an adapter of its own and brings none.
        """
        if spec.adapter != OWN:
            return None
        decoder = self.decoder(spec)
        if not isinstance(decoder, ConditionedDecoder) or spec.loss is None:
            raise PluginError(
                f"decoder {spec.name} declares adapter {OWN!r}; it needs build_adapter, loss, sample, "
                "adapter_facts, and the name of its loss in the spec"
            )
        return decoder

    def provenance(self, spec: DecoderSpec) -> Provenance | None:
        """Origin of the decoder's weights; None for a fixed transform."""
        if spec.weightless:
            return None
        return provenance_of(
            spec.base,
            spec.config,
            self.request(spec),
            repo=spec.repo,
            revision=spec.revision,
            subfolder=spec.subfolder,
            published=spec.published,
        )

    def of(self, spec: DecoderSpec, split: DecodedSplit) -> CachedGrids:
        """Latents of every picture of a split, computed now where they are missing."""
        provenance = self.provenance(spec)
        choices: dict[str, Any] = {
            "kind": "latents",
            "decoder": spec.base,
            "weights": provenance.content if provenance else "none",
            "code": self.registry.owner("decoder", spec.base).digest,
            "libraries": list(libraries_of(self.registry.owner("decoder", spec.base).distribution)),
            "dtype": self.request(spec).dtype,
            "device": self.request(spec).device.partition(":")[0],
            **({"environment": digest_of_environment(spec.environment)} if spec.environment else {}),
            "fingerprint": split.fingerprint,
        }
        key = content_key(choices)
        array = self.store.open(key)
        if array is not None and self._is_stale(spec, split, key, array):
            with self.store.lock(key):
                now = self.store.open(key)
                if now is not None and made_at(now) == made_at(array):
                    self.store.discard(key)
            array = self.store.open(key)
        if array is None:
            with self.store.lock(key):
                if self.store.open(key) is None:
                    self._encode(spec, split, key, choices)
            self._fresh.add(key)
            array = self.store.open(key)
        if array is None:
            raise CacheError(f"latents of {spec.name} were written and cannot be read back from {key[:12]}")
        return CachedGrids(array, ids=split.ids)

    def _is_stale(self, spec: DecoderSpec, split: DecodedSplit, key: str, array: StoredArray) -> bool:
        """Whether an entry of an earlier run is not what the decoder makes now of two samples; said where it is not."""
        if split.remade:
            return key not in self._fresh
        if not self.checks.due(f"decoder {spec.base}", split.dataset, split.fingerprint, array):
            return False
        places, began = chosen(len(split)), time.monotonic()
        request, decoder = self.request(spec), self.decoder(spec)
        with calling(decoder, "encode"), torch.inference_mode():
            made = decoder.encode(split.take(places).to(request.device)).float().cpu()
        apart = difference(array.take(places), made)
        self.checks.checked += len(places)
        self.checks.seconds += time.monotonic() - began
        if apart <= tolerance(request.dtype):
            return False
        self.checks.found(
            f"decoder {spec.base}",
            f"latents of {spec.base} on {split.dataset}/{split.split} in the cache are not what the decoder makes now "
            f"(apart by {apart:.2g} of a latent's length): made anew; something beside its code, weights and "
            "declared environment decides them",
        )
        return True

    def _encode(self, spec: DecoderSpec, split: DecodedSplit, key: str, choices: dict[str, Any]) -> None:
        decoder = self.decoder(spec)
        device = self.request(spec).device
        title = f"encode {split.dataset}/{split.split} into {spec.base} latents"
        with self.store.writer(key, choices) as writer, self.progress.task(title, len(split)) as advance:
            for clips in split.batches(BATCH):
                with calling(decoder, "encode"), torch.inference_mode():
                    latents = decoder.encode(clips.to(device)).float().cpu()
                require_finite(latents, f"latents of {spec.name}")
                writer.add(latents)
                advance(len(clips))

    def decode(self, spec: DecoderSpec, latents: Tensor) -> Tensor:
        """Latents [b, T', H', W', C] -> clips [b, T, 3, H_px, W_px] in [0, 1] on the CPU, in bounded batches."""
        decoder = self.decoder(spec)
        request = self.request(spec)
        parts = []
        for start in range(0, len(latents), BATCH):
            with calling(decoder, "decode"), torch.inference_mode():
                block = latents[start : start + BATCH].to(request.device)
                parts.append(decoder.decode(block).float().cpu())
        clips = torch.cat(parts)
        require_finite(clips, f"pictures decoded by {spec.name}")
        return clips
