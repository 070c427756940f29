"""Source trees of this repository side by side: each with entry points of its own, whatever is installed."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Side(NamedTuple):
    """One of the two source trees."""

    name: str
    root: Path
    entry_points: Path
    """Folder with the metadata of its distributions."""


def unpacked(commit: str, place: Path) -> Path:
    """The files of a commit in a folder. Raises: SystemExit where there is no such commit."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        raise SystemExit(f"{commit}: no such commit in {ROOT.name}; name one that git log shows")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(place, filter="data")
    return place


def side(name: str, root: Path, place: Path) -> Side:
    """A tree with its own entry points: those that are installed are of the working tree."""
    for file in [*root.glob("*/pyproject.toml"), *root.glob("*/*/pyproject.toml")]:
        if file.relative_to(root).parts[0] == "tests":  # a plugin that only tests install
            continue
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project")
        if project is None:
            continue
        groups = dict(project.get("entry-points", {}))
        told = place / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        lines = [
            f"[{group}]\n" + "".join(f"{key} = {to}\n" for key, to in named.items()) for group, named in groups.items()
        ]
        (told / "entry_points.txt").write_text("\n".join(lines))
    for other in {found.name for found in distributions() if found.name.startswith("foresight")}:
        label = other.replace("-", "_")
        if not list(place.glob(f"{label}-*.dist-info")):  # a plugin that this tree does not know yet
            told = place / f"{label}-0.dist-info"
            told.mkdir()
            (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {other}\nVersion: 0\n")
    return Side(name, root, place)


def environment(one: Side, place: Path) -> dict[str, str]:
    """Of a process that runs this tree."""
    folders = [folder for pattern in ("*/src", "*/*/src") for folder in sorted(one.root.glob(pattern))]
    sources = [str(folder) for folder in folders if folder.relative_to(one.root).parts[0] != "tests"]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept |= {
        "PYTHONPATH": os.pathsep.join([str(one.entry_points), *sources]),
        "FORESIGHT_WEIGHTS": str(place / "no-weights"),
        "FORESIGHT_CACHE": str(place / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    return kept
