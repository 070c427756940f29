"""Digests of plugins: everything that their code is made of, found without importing any of it."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts import hookspecs

PROJECT_PACKAGE = "foresight_harness"
CORE = Path(hookspecs.__file__).parents[1]

SHARED = ("contracts/token_grids.py", "parts/module_outputs.py", "parts/weights")
"""What plugins' models are built with: a change there may change features, and so makes cached ones another's."""

OWN_SOURCES = {"builtin": "controls", "builtin_suites": "suites"}
"""The harness's own plugins: folder beside the module that their digest is of. Of the parts only the controls make
features, so that nothing else makes cached ones another's."""

_STATEMENT = rb"^[ \t]*(?:from[ \t]+(\w[\w.]*)[ \t]+import\b|import[ \t]+(\w[^#\n]*))"
_CALL = rb"(?:import_module|__import__)\([ \t\n]*[\"'](\w+)"
IMPORT = re.compile(_STATEMENT + rb"|" + _CALL, re.MULTILINE)
"""Import statements, indented ones too: they are read and not carried out, as a plugin imports most of itself later."""
STATEMENT = re.compile(_STATEMENT, re.MULTILINE)
"""The same where no ``CALLS`` stands: three times faster, since only the starts of lines are looked at."""
CALLS = (b"import_module(", b"__import__(")

_SUFFIX = rb"\.(?:json|toml|ya?ml|txt|csv|tsv|npy|npz|pt|pth|bin|pkl|ini|cfg|safetensors)"
NAMED_FILE = re.compile(rb"[\"']((?:[\w.-]+/)*[\w-][\w.-]*" + _SUFFIX + rb")[\"']")
"""Names of data files in sources: one that lies beside its module is part of the plugin."""
FILE_END = re.compile(_SUFFIX + rb"[\"']")
"""How such a name ends: few sources have one, and this is found ten times faster."""

MOST_FILES = 5000
"""A package with more files is told by their names, sizes and dates: reading it would take longer than the run."""
LARGE = 4 * 2**20
"""A larger file is told by its size and blocks all over it: weights have digests of their own."""
BLOCK, BLOCKS = 2**16, 16


class Place(NamedTuple):
    """Where the code of a name lies."""

    root: Path
    """Folder of a package, or the file of a module."""
    name: str
    """Top-level name."""


def place_of_module(name: str) -> Place | None:
    """Where the package lies that a module belongs to, found without importing it; None where it cannot be found."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if spec.origin not in (None, "built-in", "frozen") and not spec.submodule_search_locations:
        return Place(Path(str(spec.origin)), top)
    if spec.origin is not None and spec.submodule_search_locations:
        return Place(Path(spec.origin).parent, top)
    for folder in map(Path, spec.submodule_search_locations or ()):  # a namespace, which has no code of its own
        for part in rest[:1]:
            if (folder / part).is_dir():
                return Place(folder / part, top)
            if (folder / f"{part}.py").is_file():
                return Place(folder / f"{part}.py", top)
    return None


def own_digest(path: Path, folder: str) -> str:
    """The same of a plugin of the harness's own, whose features come from one folder beside its module."""
    digest = hashlib.sha256(shared_sources(CORE, SHARED))
    for file in sorted((path.parent / folder).rglob("*.py")):
        digest.update(str(file.relative_to(path.parent)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class Part(NamedTuple):
    """One package or module that a plugin is made of."""

    digest: bytes
    imports: frozenset[str]
    """Top-level names that it imports."""


class Sources:
    """Reads each package once for all plugins that are made of it."""

    def __init__(self) -> None:
        self._parts: dict[Path, Part] = {}
        self._places: dict[str, Place | None] = {}

    def digest(self, place: Place) -> str:
        """sha256 over every file of a plugin's package (of the module alone where it is no package, and data files
        that it names), of the modules that it imports from outside the standard library and installed packages, of
        theirs in turn, and of what all share. 16 hex digits"""
        found = {place.name: self._part(place)}
        waiting = [place.name]
        while waiting:
            for name in sorted(found[waiting.pop()].imports - {*found, PROJECT_PACKAGE}):
                other = self._place(name)
                if other is not None and name not in found:
                    found[name] = self._part(other)
                    waiting.append(name)
        digest = hashlib.sha256(shared_sources(CORE, SHARED))
        for name, part in sorted(found.items()):
            digest.update(name.encode() + b"\0" + part.digest)
        return digest.hexdigest()[:16]

    def _place(self, name: str) -> Place | None:
        """Where a module lies that is neither the standard library's nor an installed package's."""
        if name not in self._places:
            found = None if name in sys.stdlib_module_names else place_of_module(name)
            self._places[name] = None if found is None or _is_installed(found.root) else found
        return self._places[name]

    def _part(self, place: Place) -> Part:
        if place.root not in self._parts:
            self._parts[place.root] = _read(place)
        return self._parts[place.root]


def _read(place: Place) -> Part:
    files = _files(place.root)
    base = place.root if place.root.is_dir() else place.root.parent
    brief = len(files) > MOST_FILES
    imports: set[str] = set()
    beside: set[Path] = set()
    digest = hashlib.sha256()
    for file in files:
        content = _dated(file) if brief else _content(file)
        digest.update(file.relative_to(base).as_posix().encode() + b"\0" + content + b"\0")
        if file.suffix == ".py" and not brief:
            imports |= _imported(content)
            beside |= _named(content, file.parent)
    for file in sorted(beside - set(files)):
        digest.update(file.name.encode() + b"\0" + _content(file) + b"\0")
    return Part(digest.digest(), frozenset(imports))


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix != ".pyc" and "__pycache__" not in path.parts and not path.is_dir() and path.exists()
    )


def _content(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size <= LARGE:
            return file.read_bytes()
        with file.open("rb") as stream:
            found = [str(size).encode()]
            for number in range(BLOCKS):
                stream.seek((size - BLOCK) * number // (BLOCKS - 1))
                found.append(stream.read(BLOCK))
            return b"".join(found)
    except OSError:
        return b"unreadable"


def _dated(file: Path) -> bytes:
    stat = file.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}".encode()


def _imported(content: bytes) -> set[str]:
    """Top-level names that a source imports."""
    found = set()
    pattern = IMPORT if any(call in content for call in CALLS) else STATEMENT
    for line in pattern.finditer(content):
        for part in next(filter(None, line.groups()), b"").split(b","):
            words = part.split()
            if words:
                found.add(words[0].partition(b".")[0].decode(errors="replace"))
    return {name for name in found if name.isidentifier()}


def _named(content: bytes, folder: Path) -> set[Path]:
    """Data files beside a module, or one folder above it, that its source names."""
    found: set[Path] = set()
    if not FILE_END.search(content):
        return found
    for name in {match.decode(errors="replace") for match in NAMED_FILE.findall(content)}:
        for base in (folder, folder.parent):
            if (base / name).is_file():
                found.add(base / name)
                break
    return found


@lru_cache(maxsize=1)
def _installed_places() -> Sequence[Path]:
    paths = sysconfig.get_paths()
    return tuple({Path(paths[name]).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def _is_installed(root: Path) -> bool:
    """Whether code is a library's: its version stands for it (``measuring.cache.libraries``)."""
    if {"site-packages", "dist-packages"} & set(root.parts):
        return True
    return any(root.resolve().is_relative_to(place) for place in _installed_places())


@lru_cache(maxsize=4)
def shared_sources(core: Path, shared: Iterable[str]) -> bytes:
    """What all plugins' models are built with, as one block."""
    found = [core / name for name in shared]
    files = [file for place in found for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    return b"".join(str(file.relative_to(core)).encode() + b"\0" + file.read_bytes() + b"\0" for file in files)
