"""Streams of features as sharded safetensors or WebDataset with a manifest; the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.identity import digest
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.contracts.text import without_secrets_in
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.extraction import DecodedSplit
from foresight_harness.measuring.extraction.splits import Split
from foresight_harness.measuring.workshop.workshop import Workshop
from foresight_harness.planning.options import DatasetChoice

SCHEMA = 1
MANIFEST = "manifest.json"
TENSOR = "tokens"
NUMPY = {"float32": np.float32, "float16": np.float16, "float64": np.float64}
"""Types that ``.npy`` has; bfloat16 is written as float32, which holds every value of it."""


class Stream(NamedTuple):
    """What is read at one place of one encoder."""

    encoder: EncoderSpec
    tap: str

    def __str__(self) -> str:
        return f"{self.encoder.name}@{self.tap}"


def export_features(
    workshop: Workshop,
    streams: Sequence[Stream],
    datasets: Sequence[DatasetChoice],
    splits: Sequence[Split],
    folder: Path,
    form: str = "safetensors",
    shard_bytes: int = 256 * 2**20,
) -> dict[str, Any]:
    """Write every stream over every split, extracted now where the cache does not hold it.

    Args:
        workshop: Says how encoders are built and where features are kept.
        streams: What to write.
        datasets: Over these data sets.
        splits: ``train``, ``test``.
        folder: New or empty.
        form: ``safetensors`` (one tensor ``tokens`` a shard, [n, T, H, W, C]) or ``webdataset`` (a ``.npy`` and a
            ``.json`` a sample).
        shard_bytes: A shard is closed when its tokens reach this size.

    Returns:
        The manifest.

    Raises:
        UsageError: where the folder is in use, or there is nothing to write.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"-o {folder} is there already and not empty; name another folder")
    if not streams:
        raise UsageError("no stream to export; name encoders as encoder@tap")
    for stream in streams:
        workshop.extraction.plan(stream.encoder.name, [stream.tap])
    fresh = folder.with_name(f".{folder.name}.being-written")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        written = [
            _write(workshop, stream, workshop.splits.decoded(choice, split), fresh, form, shard_bytes)
            for choice in datasets
            for split in splits
            for stream in streams
        ]
        content = without_secrets_in({"schema": SCHEMA, "format": form, "streams": written})
        (fresh / MANIFEST).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        if folder.is_dir():
            folder.rmdir()
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return dict(content)


def _write(
    workshop: Workshop, stream: Stream, split: DecodedSplit, folder: Path, form: str, shard_bytes: int
) -> dict[str, Any]:
    extraction = workshop.extraction
    grids = extraction.grids(stream.encoder, stream.tap, split)
    place = folder / plain(str(stream)) / plain(split.dataset) / split.split
    place.mkdir(parents=True)
    item = int(np.prod(grids.array.shape)) * torch.empty(0, dtype=getattr(torch, grids.array.dtype)).element_size()
    each = max(1, shard_bytes // item)
    shards, first = [], 0
    for number, block in enumerate(grids.array.batches(each)):
        path = place / f"shard-{number:05d}.{'safetensors' if form == 'safetensors' else 'tar'}"
        FORMS[form](path, block, first, split.ids[first : first + len(block)])
        shards.append(
            {
                "file": path.relative_to(folder).as_posix(),
                "first": first,
                "n": len(block),
                "bytes": path.stat().st_size,
                "sha256": _sha256(path),
            }
        )
        first += len(block)
    choices = extraction.choices(stream.encoder, stream.tap, split)
    frames, rows, cols, width = grids.array.shape
    return {
        "stream": str(stream),
        "dataset": split.dataset,
        "split": split.split,
        "n": len(split),
        "shape": [frames, rows, cols, width],
        "grid": {"frames": frames, "rows": rows, "columns": cols, "channels": width, "order": "raster, row 0 on top"},
        "dtype": _stored_dtype(form, grids.array.dtype),
        "ids": list(split.ids),
        "fingerprint": split.fingerprint,
        "cache_key": content_key(choices),
        "made_with": choices,
        "weights": _weights(workshop, stream),
        "licenses": {
            "weights": stream.encoder.license,
            "data": workshop.registry.dataset(split.dataset).license,
        },
        "shards": shards,
    }


def _weights(workshop: Workshop, stream: Stream) -> dict[str, str | None]:
    """Where the encoder's weights come from, as records say it."""
    if workshop.admission.weightless(stream.encoder.name):
        return {"kind": "none", "sha256": None, "repo": None, "revision": None}
    origin = workshop.extraction.provenance(stream.encoder)
    held = {} if origin.quantize is None else {"quantize": origin.quantize}
    return {"kind": origin.kind, "sha256": origin.sha256, "repo": origin.repo, "revision": origin.revision, **held}


def _safetensors(path: Path, tokens: Tensor, first: int, ids: Sequence[str]) -> None:
    from safetensors.torch import save_file

    save_file({TENSOR: tokens.contiguous()}, path)


def _webdataset(path: Path, tokens: Tensor, first: int, ids: Sequence[str]) -> None:
    """A tar of pairs in the order of samples, without times and owners."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for place, (grid, name) in enumerate(zip(tokens, ids, strict=True)):
            for ending, content in _members(grid, name):
                entry = tarfile.TarInfo(f"{first + place:09d}.{ending}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def _members(grid: Tensor, name: str) -> Iterator[tuple[str, bytes]]:
    yield "json", json.dumps({"id": name}, sort_keys=True).encode()
    array = io.BytesIO()
    dtype = str(grid.dtype).removeprefix("torch.")
    np.save(array, (grid if dtype in NUMPY else grid.float()).numpy())
    yield "npy", array.getvalue()


FORMS: Mapping[str, Callable[[Path, Tensor, int, Sequence[str]], None]] = {
    "safetensors": _safetensors,
    "webdataset": _webdataset,
}
"""By the name in ``--format``."""


def _stored_dtype(form: str, dtype: str) -> str:
    return dtype if form == "safetensors" or dtype in NUMPY else "float32"


def plain(name: str) -> str:
    """A name as a folder: itself where it is plain, else with a digest, so that no two share one.

    >>> plain("dinov2_tiny@last")
    'dinov2_tiny@last'
    """
    kept = re.sub(r"[^A-Za-z0-9_@.-]", "_", name)[:60]
    return kept if kept == name and not kept.startswith(".") else f"{kept.lstrip('.')}-{digest({'name': name}, 8)}"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
