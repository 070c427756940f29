"""A place behind a URL, by fsspec: what a store asks of it, and its errors as one line. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from foresight_harness.contracts.errors import CacheError, UsageError

INDEX = "index.json"
USED = "used"
"""An empty object beside an index, written anew when a process first reads the entry: its age is the entry's."""

S3_OPTIONS: dict[str, Any] = {
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 2}}
}

SHARD = re.compile(r"shard-\d+\.safetensors")
"""How an entry's files are named: whoever may write to a bucket must not choose what is written on this machine."""

Answer = TypeVar("Answer")


class Bucket:
    """Objects below one URL. Every error is a CacheError whose one line names the URL and says what to do.

    Args:
        url: As in ``--feature-cache``.

    Raises:
        UsageError: if no installed package serves the URL.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        scheme = url.partition("://")[0]
        options = S3_OPTIONS if scheme == "s3" else {}
        try:
            self._fs, self._root = fsspec.core.url_to_fs(
                url, skip_instance_cache=True, use_listings_cache=False, **options
            )
        except ImportError as error:
            extra = "pip install 'foresight-harness[s3]'" if scheme == "s3" else f"install it ({error})"
            raise UsageError(f"--feature-cache {url} needs a package that is not installed: {extra}") from error
        except ValueError as error:
            raise UsageError(
                f"--feature-cache {url}: {scheme}:// is not known; use a folder, s3://BUCKET/FOLDER, or another that "
                "fsspec serves"
            ) from error

    def check(self) -> None:
        """Write and remove an object. Raises: UsageError in one line, before any work."""
        name = f".write-{secrets.token_hex(4)}"
        try:
            self._do(lambda: self._fs.pipe_file(self._path(name), b""))
            self._do(lambda: self._fs.rm_file(self._path(name)))
        except CacheError as error:
            raise UsageError(f"--feature-cache {error}") from error

    def index(self, key: str) -> bytes | None:
        """The index of an entry; None where there is no entry."""
        path = self._path(f"{key[:2]}/{key}/{INDEX}")
        try:
            found: bytes = self._do(lambda: self._fs.cat_file(path))
        except FileNotFoundError:
            return None
        return found

    def create_index(self, key: str, content: bytes) -> bool:
        """Write the index of an entry where there is none, in one conditional step; False where there is one.

        A file system without conditional writes is asked first, which leaves a moment for another writer.
        """
        path = self._path(f"{key[:2]}/{key}/{INDEX}")

        def create() -> bool:
            try:
                self._fs.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
            except (TypeError, NotImplementedError):
                if self._fs.exists(path):
                    return False
                self._fs.pipe_file(path, content)
            return True

        return self._do(create)

    def put_shard(self, key: str, sha256: str, source: Path) -> None:
        """Upload a shard under the name that its content has: doing so twice changes nothing."""
        self._do(lambda: self._fs.put_file(str(source), self._shard(key, sha256)))

    def get_shard(self, key: str, sha256: str, target: Path) -> bool:
        """Download a shard; False where it is not there or is not what its name says, read twice."""
        for _ in range(2):
            try:
                self._do(lambda: self._fs.get_file(self._shard(key, sha256), str(target)))
            except FileNotFoundError:
                return False
            with target.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == sha256:
                    return True
        return False

    def touch(self, key: str) -> None:
        """Say that the entry was read now."""
        self._do(lambda: self._fs.pipe_file(self._path(f"{key[:2]}/{key}/{USED}"), b""))

    def remove(self, key: str) -> None:
        """Remove an entry: first its index, so that nobody finds the rest."""
        folder = self._path(f"{key[:2]}/{key}")

        def remove() -> None:
            names = sorted(self._fs.find(folder), key=lambda name: not name.endswith(f"/{INDEX}"))
            for name in names:
                self._fs.rm_file(name)

        self._do(remove)

    def listed(self) -> Iterator[tuple[str, int, float]]:
        """Key, bytes and moment of last use of every entry, in seconds since the epoch."""
        found = self._do(lambda: self._fs.find(self._root, detail=True))
        sizes: dict[str, int] = {}
        moments: dict[str, float] = {}
        for path, facts in found.items():
            parts = path.removeprefix(self._root).strip("/").split("/")
            if len(parts) != 3 or len(parts[1]) != 64:
                continue
            key = parts[1]
            sizes[key] = sizes.get(key, 0) + int(facts.get("size") or 0)
            moments[key] = max(moments.get(key, 0.0), _moment(facts) if parts[2] in (INDEX, USED) else 0.0)
        return ((key, sizes[key], moments[key]) for key in sizes)

    def is_sound(self, key: str, sha256: str) -> bool:
        """Whether a shard is there and is what its name says."""
        try:
            content = self._do(lambda: self._fs.cat_file(self._shard(key, sha256)))
        except FileNotFoundError:
            return False
        return hashlib.sha256(content).hexdigest() == sha256

    def _shard(self, key: str, sha256: str) -> str:
        return self._path(f"{key[:2]}/{key}/{sha256}.safetensors")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _do(self, work: Callable[[], Answer]) -> Answer:
        """Do it. An absent object stays FileNotFoundError, where the place itself is there."""
        try:
            return work()
        except FileNotFoundError as error:
            if "bucket" in str(error).lower():
                raise CacheError(f"{self.url}: {_line(error)}; create it, or name another") from error
            raise
        except Exception as error:
            raise CacheError(f"{self.url} {_reason(error)}") from error


def shards_of(index: bytes) -> list[dict[str, Any]] | None:
    """The shards that an index lists; None where it cannot be read, or names a file outside its entry."""
    try:
        shards: list[dict[str, Any]] = json.loads(index)["shards"]
        found = [{"file": str(one["file"]), "n": int(one["n"]), "sha256": str(one["sha256"])} for one in shards]
    except (ValueError, KeyError, TypeError):
        return None
    return found if all(SHARD.fullmatch(str(one["file"])) for one in found) else None


def _moment(facts: dict[str, Any]) -> float:
    for name in ("LastModified", "mtime", "updated", "created"):
        value = facts.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return 0.0


def _reason(error: Exception) -> str:
    """What went wrong and what to do about it, by what the storage's client says."""
    kind = type(error).__name__
    if isinstance(error, PermissionError) or "Credential" in kind or "Token" in kind:
        return (
            f"refuses us ({_line(error)}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or the profile in use, and "
            "what the bucket allows"
        )
    if isinstance(error, ConnectionError | TimeoutError) or "Connect" in kind or "Timeout" in kind:
        return f"cannot be reached ({_line(error)}): check the network, and AWS_ENDPOINT_URL where it is not AWS"
    return f"cannot be used ({kind}: {_line(error)})"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
