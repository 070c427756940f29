"""Trained fits in the feature cache, under a key of everything that decides them: made once for every run that asks.

Only runs of a search write them; any run reads them. A fit that is read is the one that was written, to the bit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.libraries import libraries_of
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.measuring.fitting.fitted import FitRequest, Fitted
from foresight_harness.measuring.fitting.phases import Draft
from foresight_harness.parts.training.convergence import Convergence
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.sources import CORE, shared_sources

VERSION = 1
"""Raised when what is kept of a fit changes."""
SOURCES = (
    *("contracts/token_grids.py", "measuring/conditioning", "measuring/fitting", "parts/closed_form"),
    *("parts/grid_modules", "parts/training", "planning/recipes.py"),
)
"""Code of the harness that decides a fit: where it changes, every fit is made anew."""


class StoredFits:
    """Fits of one run's settings in a store."""

    def __init__(self, store: ArrayStore, registry: Registry, device: str, *, writes: bool) -> None:
        self._store, self._registry, self._device, self._writes = store, registry, device, writes

    def find(self, request: FitRequest) -> Fitted | None:
        """The fit that was made of this request before, by whichever run; None where there is none.

        Raises:
            FitError: where what is solved in closed form behind the trained parts cannot be.
        """
        choices = self._choices(request)
        found = None if choices is None else self._store.open(content_key(choices))
        if found is None:
            return None
        draft = Draft(request, self._device)
        draft.build()
        if not _take(draft, found.whole(), found.facts.get("parameters") or ()):
            return None
        draft.history = [convergence_of(one) for one in found.facts["history"]]
        return draft.finish()

    def keep(self, request: FitRequest, draft: Draft) -> None:
        """Keep a fit, where this run does, and where it was trained and can be kept."""
        choices = self._choices(request) if self._writes and draft.history else None
        if choices is None:
            return
        parts = dict(_parts(draft))
        if any(tensor.dtype != torch.float32 for tensor in parts.values()):
            return  # whole numbers in a buffer: it is made anew by each run
        key = content_key(choices)
        if self._store.open(key) is None:
            with self._store.writer(key, choices, whole=True) as writer:
                writer.add(torch.cat([tensor.detach().cpu().reshape(-1) for tensor in parts.values()]))
                writer.facts = {
                    "parameters": [[name, list(tensor.shape)] for name, tensor in parts.items()],
                    "history": [asdict(one) for one in draft.history],
                }

    def _choices(self, request: FitRequest) -> dict[str, Any] | None:
        """Everything that decides a fit; None for one that is not kept: through a decoder's own adapter or pictures."""
        if request.own is not None or request.pictures is not None or request.streams.split.remade:
            return None
        candidate, registry = request.candidate, self._registry
        parts = [("enhancer", candidate.enhancer.name), ("fusion", candidate.fusion.name)]
        parts += [("extractor", stream.extractor.name) for stream in candidate.streams]
        try:
            owners = [registry.owner(kind, name) for kind, name in parts]
        except KeyError:  # a part that no plugin offers: nothing says what its code is
            return None
        decoder = None
        if request.latents is not None:
            spec = candidate.decoder
            decoder = [spec.adapter, spec.adapter_cells, spec.adapter_params, request.latents.array.folder.name]
        code = hashlib.sha256(shared_sources(CORE, SOURCES)).hexdigest()
        return {
            "kind": "fit",
            "version": VERSION,
            "objective": request.objective,
            "recipe": _plain(request.recipe.choices()),
            "seed": request.seed,
            "extractors": [stream.ref.extractor for stream in candidate.streams],
            "enhancer": candidate.enhancer.name,
            "fusion": candidate.fusion.name,
            "features": [[grids.array.folder.name for grids in taps] for taps in request.streams.taps],
            "split": request.streams.split.fingerprint,
            "latents": decoder,
            "code": [code, *(owner.digest for owner in owners)],
            "libraries": _libraries(tuple(sorted({owner.distribution for owner in owners}))),
            "device": self._device.partition(":")[0],
        }


def convergence_of(kept: Mapping[str, Any]) -> Convergence:
    """How a fit went, from the JSON of ``asdict``."""
    pairs = tuple((int(step), float(loss)) for step, loss in kept.get("held_out") or ())
    earlier = tuple(convergence_of(one) for one in kept.get("earlier") or ())
    rates = tuple((float(rate), loss) for rate, loss in kept.get("rates") or ())
    return Convergence(**{**kept, "loss": tuple(kept["loss"]), "earlier": earlier, "held_out": pairs, "rates": rates})


@lru_cache(maxsize=8)
def _libraries(distributions: tuple[str, ...]) -> list[str]:
    return sorted({line for name in distributions for line in libraries_of(name)})


def _plain(choices: Mapping[str, Any]) -> Any:
    """As JSON gives it back: tuples are lists."""
    return json.loads(json.dumps(choices))


def _parts(draft: Draft) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers of everything that a fit leaves behind, by name, in one order."""
    for part, module in (("modules", draft.modules), ("reader", draft.reader), ("head", draft.head)):
        for name, tensor in () if module is None else module.state_dict().items():
            yield f"{part}.{name}", tensor


def _take(draft: Draft, numbers: Tensor, stated: Any) -> bool:
    """Put kept numbers into a draft's parts; False where they are of other parts, which an entry should never be."""
    parts = dict(_parts(draft))
    if [[name, list(tensor.shape)] for name, tensor in parts.items()] != [
        [name, list(shape)] for name, shape in stated
    ]:
        return False
    start = 0
    with torch.no_grad():
        for tensor in parts.values():
            tensor.copy_(numbers[start : start + tensor.numel()].reshape(tensor.shape))
            start += tensor.numel()
    return start == len(numbers)
