"""A store behind a URL: entries are copied to a folder of this machine when they are read, and from it when made."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

from foresight_harness.contracts.errors import CacheError
from foresight_harness.measuring.cache import upkeep
from foresight_harness.measuring.cache.arrays import StoredArray
from foresight_harness.measuring.cache.bucket import INDEX, Bucket, shards_of
from foresight_harness.measuring.cache.leftovers import making_place
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.planning.options.storage import mirror_bytes

FRESH_S = 3600.0
"""A copy that any process of this machine opened so recently may be in use, and is not removed to make room."""


class MirroredStore(ArrayStore):
    """An ``ArrayStore`` in front of a URL. Copies are mapped by readers, and checked when they come and when opened.

    The first writer of a key wins: its index is written on the condition that there is none. Shards are named by their
    content, so writers cannot spoil each other's. Where the URL fails in the middle of a run, one warning says so and
    the run goes on with this machine's copies: what is missing is made again.

    Args:
        root: Folder of the copies.
        url: What stands behind it.
    """

    def __init__(self, root: Path, url: str) -> None:
        super().__init__(root)
        self._bucket = Bucket(url)
        self._most_bytes = mirror_bytes()
        self.away = False
        """True once the URL has failed: it is not asked again by this process."""

    def open(self, key: str) -> StoredArray | None:
        """See ``ArrayStore``: the copy, fetched first where there is none. One that is damaged behind the URL goes."""
        first = key not in self.used
        found = super().open(key)
        if found is None and not self.away:
            try:
                if self._fetched(key):
                    found = super().open(key)
            except CacheError as error:
                self._lose(error)
        if found is not None and first and not self.away:
            try:
                self._bucket.touch(key)
            except (CacheError, FileNotFoundError) as error:
                self._lose(error)
        return found

    def discard(self, key: str) -> None:
        """See ``ArrayStore``: behind the URL too."""
        super().discard(key)
        if not self.away:
            try:
                self._bucket.remove(key)
            except (CacheError, FileNotFoundError) as error:
                self._lose(error)

    def published(self, key: str) -> None:
        """Upload a new entry; where another machine was first, its entry replaces ours."""
        super().published(key)
        if self.away:
            return
        folder = self.folder(key)
        index = (folder / INDEX).read_bytes()
        shards = shards_of(index) or []
        try:
            for shard in shards:
                self._bucket.put_shard(key, shard["sha256"], folder / shard["file"])
            if self._bucket.create_index(key, index):
                self._make_room(key)
                return
            theirs = shards_of(self._bucket.index(key) or b"")
        except (CacheError, FileNotFoundError) as error:
            self._lose(error)
            return
        if theirs != shards:
            warnings.warn(
                f"{key[:12]} was made twice at once with unequal results: the encoder or decoder is not deterministic "
                "across machines. The first result is used by both.",
                stacklevel=2,
            )
            shutil.rmtree(folder, ignore_errors=True)
            self._verified.discard(key)

    def _fetched(self, key: str) -> bool:
        """Copy an entry; False where there is none, or it is damaged and was removed."""
        index = self._bucket.index(key)
        if index is None:
            return False
        shards = shards_of(index)
        place = making_place(self.root, key)
        place.mkdir(parents=True)
        try:
            if shards is None or not all(
                self._bucket.get_shard(key, shard["sha256"], place / shard["file"]) for shard in shards
            ):
                self._bucket.remove(key)
                return False
            (place / INDEX).write_bytes(index)
            target = self.folder(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                place.rename(target)
            except OSError:
                if not target.exists():  # another process of this machine may have copied it meanwhile
                    raise
        finally:
            shutil.rmtree(place, ignore_errors=True)
        self._make_room(key)
        return True

    def _make_room(self, key: str) -> None:
        upkeep.prune(self.root, self._most_bytes, {*self.used, key}, fresh_s=FRESH_S)

    def _lose(self, error: Exception) -> None:
        self.away = True
        warnings.warn(f"{error}. The run goes on with what this machine has in {self.root}.", stacklevel=3)


def store_of(root: Path, url: str | None) -> ArrayStore:
    """The store of a run. Raises: UsageError."""
    return ArrayStore(root) if url is None else MirroredStore(root, url)
