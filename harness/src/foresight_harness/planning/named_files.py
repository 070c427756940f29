"""Where matrices, gates and sentinels lie that are named rather than written as a path: here first, then installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

GROUP = "foresight_benchmarks"
"""Entry-point group of distributions that bring benchmarks; the value of a point is the package of their folder."""

HERE = (Path("benchmarks"), Path())
"""Below the working folder, first come first served."""


def installed_benchmarks() -> list[Path]:
    """Folders of the installed distributions of benchmarks, by the names of their entry points."""
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        spec = find_spec(point.module)
        found += [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    return found


def places(first: Iterable[Path] = ()) -> list[Path]:
    """Folders that may hold ``matrices``, ``gates`` and ``sentinels.toml``: each once, the first before the others."""
    found = [*first, *HERE, *installed_benchmarks()]
    once: dict[Path, Path] = {}
    for folder in found:
        if folder.is_dir():
            once.setdefault(folder.resolve(), folder)
    return list(once.values())


def folders_of(kind: str, first: Iterable[Path] = ()) -> list[Path]:
    """Those that hold named files of a kind: ``matrices`` or ``gates``."""
    return [folder / kind for folder in places(first) if (folder / kind).is_dir()]


def by_name(folders: Sequence[Path]) -> Mapping[str, Path]:
    """The TOML files of folders by their names; where two have one name, the one of the earlier folder."""
    return {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.toml"))}
