"""The store: write once, read by anyone, rebuild what is damaged.

Every entry is a folder named by its key. It is written beside its place and moved there when complete, so a reader
never sees half an entry and the first writer wins; concurrent runs share it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from foresight_harness.contracts.errors import CacheError
from foresight_harness.contracts.locks import HeldLock
from foresight_harness.measuring.cache.arrays import TENSOR, StoredArray
from foresight_harness.measuring.cache.bucket import INDEX
from foresight_harness.measuring.cache.leftovers import making_place

SHARD_BYTES = 64 * 2**20
"""A shard is closed when it reaches this size: few files, small enough to rebuild."""


class ArrayStore:
    """Arrays under content keys in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.used: set[str] = set()
        """Keys that this process has read."""
        self.say: Callable[[str], None] = lambda line: None
        """Told where another process is waited for."""
        self._verified: set[str] = set()

    def folder(self, key: str) -> Path:
        """Where the entry of ``key`` lies or would lie."""
        return self.root / key[:2] / key

    def lock(self, key: str) -> HeldLock:
        """Held while an entry is made, so that two runs do not extract the same twice.

        Raises:
            LockError: on entering, where the holder gives no sign of life.
        """
        path = self.root / "locks" / f"{key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return HeldLock(path, f"entry {key[:12]} of the feature cache", self.say)

    def open(self, key: str) -> StoredArray | None:
        """The entry, or None where there is none. A damaged one is removed and counts as absent.

        Checksums are compared once a process and key.
        """
        folder = self.folder(key)
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            array = StoredArray(
                folder=folder,
                shape=tuple(index["shape"]),
                dtype=index["dtype"],
                files=tuple(shard["file"] for shard in index["shards"]),
                counts=tuple(shard["n"] for shard in index["shards"]),
                facts=dict(index.get("facts") or {}),
            )
            damaged = key not in self._verified and any(
                _sha256(folder / shard["file"]) != shard["sha256"] for shard in index["shards"]
            )
        except FileNotFoundError:
            if not folder.exists():
                return None
            damaged = True
        except (json.JSONDecodeError, KeyError, TypeError):
            damaged = True
        if damaged:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        if key not in self.used:
            self.used.add(key)
            with contextlib.suppress(OSError):  # a read-only store is read all the same
                os.utime(folder / INDEX)  # what was used last is pruned last
        self._verified.add(key)
        return array

    def discard(self, key: str) -> None:
        """Remove an entry that is not what it should be; readers that have it mapped keep what they have."""
        shutil.rmtree(self.folder(key), ignore_errors=True)
        self._verified.discard(key)

    def published(self, key: str) -> None:
        """An entry was written by this process: its checksums need no comparing."""
        self._verified.add(key)

    def writer(self, key: str, choices: Mapping[str, Any], *, whole: bool = False) -> ArrayWriter:
        """A context in which samples are added in order; the entry appears when it ends without an error.

        ``whole``: one shard whatever its size, to be read as one tensor.
        """
        return ArrayWriter(self, key, choices, whole=whole)


class ArrayWriter:
    """Collects samples into shards; see ``ArrayStore.writer``."""

    def __init__(self, store: ArrayStore, key: str, choices: Mapping[str, Any], *, whole: bool = False) -> None:
        self.facts: Mapping[str, Any] = {}
        """Kept beside the samples, of JSON types; may be set until the context ends."""
        self._whole = whole
        self._store = store
        self._key = key
        self._choices = dict(choices)
        self._pending: list[Tensor] = []
        self._pending_bytes = 0
        self._shards: list[dict[str, Any]] = []
        self._shape: tuple[int, ...] | None = None
        self._dtype = ""
        self._place = making_place(store.root, key)

    def __enter__(self) -> ArrayWriter:
        with self._writing():
            self._place.mkdir(parents=True, exist_ok=True)
        return self

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Around whatever writes: a full disk is one line. Raises: CacheError."""
        try:
            yield
        except (OSError, SafetensorError) as error:
            raise CacheError(
                f"the feature cache {self._store.root} cannot be written ({error}): free space there (foresight-bench "
                "cache prune), name another --feature-cache, or choose fewer taps"
            ) from error

    def add(self, items: Tensor) -> None:
        """Append samples. [b, ...]

        Raises:
            CacheError: if their shape or dtype differs from the samples before.
        """
        shape, dtype = tuple(items.shape[1:]), str(items.dtype).removeprefix("torch.")
        if self._shape is None:
            self._shape, self._dtype = shape, dtype
        if (shape, dtype) != (self._shape, self._dtype):
            raise CacheError(
                f"samples of one entry must agree: {self._shape} {self._dtype} so far, now {shape} {dtype}. "
                "Pictures of one data set need one canvas size."
            )
        block = items.detach().to("cpu").contiguous()
        self._pending.append(block)
        self._pending_bytes += block.numel() * block.element_size()
        if self._pending_bytes >= SHARD_BYTES and not self._whole:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        items = self._pending[0] if len(self._pending) == 1 else torch.cat(self._pending)
        name = f"shard-{len(self._shards):05d}.safetensors"
        with self._writing():
            save_file({TENSOR: items}, self._place / name)
            self._shards.append({"file": name, "n": int(items.shape[0]), "sha256": _sha256(self._place / name)})
        self._pending, self._pending_bytes = [], 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with self._writing():
                    self._publish()
        finally:
            shutil.rmtree(self._place, ignore_errors=True)

    def _publish(self) -> None:
        self._flush()
        if self._shape is None:
            raise CacheError(f"nothing was written under {self._key[:12]}")
        index = {
            "shape": list(self._shape),
            "dtype": self._dtype,
            "n": sum(shard["n"] for shard in self._shards),
            "shards": self._shards,
            "choices": self._choices,
            **({"facts": self.facts} if self.facts else {}),
        }
        (self._place / INDEX).write_text(json.dumps(index, indent=1, sort_keys=True), encoding="utf-8")
        target = self._store.folder(self._key)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._place.rename(target)
        except OSError:
            if self._store.open(self._key) is None:  # somebody else's entry stands, and it is damaged
                self._place.rename(target)
        self._store.published(self._key)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
